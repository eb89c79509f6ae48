"""What stands before a request's body has an end, in size and in time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from pneumatic.server import http
from pneumatic.server.http import HEAD_BYTES, HeadProtocol

pytestmark = pytest.mark.asyncio


async def _app(scope: Any, receive: Any, send: Any) -> None:
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(_app, http=HeadProtocol, lifespan="off", log_config=None)
    config.load()
    server = uvicorn.Server(config)

    def make() -> HeadProtocol:
        return HeadProtocol(config=config, server_state=server.server_state, app_state={})

    listening = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()


async def _said(port: int, *parts: bytes) -> bytes:
    """All that comes until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(20):
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read()
    except ConnectionError:
        return b"reset"
    finally:
        writer.close()


GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def test_a_request_like_any_other_is_answered(port: int) -> None:
    headers = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 400) for n in range(100))
    one = GET + headers + b"\r\n"
    answer = await _said(port, one, one, GET + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 204") == 3, "and each request's headers count anew"


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X: " + b"a" * (HEAD_BYTES + 1) + b"\r\n\r\n",
        GET + b"".join(b"X-%d: a\r\n" % n for n in range(20_000)) + b"\r\n",
        GET + b"X: " + b"a" * (4 * HEAD_BYTES),
        b"GET /" + b"a" * (4 * HEAD_BYTES),
    ],
    ids=["one large header", "many headers", "one without end", "an address without end"],
)
async def test_too_much_before_the_body_is_refused(port: int, head: bytes) -> None:
    answer = await _said(port, head)
    assert b"204" not in answer
    assert answer == b"reset" or answer.startswith(b"HTTP/1.1 400")


async def test_many_small_requests_at_once_are_no_large_one(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    many = 2 * HEAD_BYTES // len(GET)
    last = GET + b"Connection: close\r\n\r\n"
    async with asyncio.timeout(20):
        writer.write((GET + b"\r\n") * many + last[:9])
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.write(last[9:])
        answer += await reader.read()
    writer.close()
    assert answer.count(b"HTTP/1.1 204") == many + 1


POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        POST + b"Content-Length: 6\r\n" + CHUNKED + b"\r\n0\r\n\r\nG",
        POST + CHUNKED + b"Content-Length: 6\r\n\r\n0\r\n\r\nG",
        POST + b"Content-Length: 1\r\nContent-Length: 6\r\n\r\nabcdef",
        POST + b"Content-Length: +6\r\n\r\nabcdef",
        POST + b"Content-Length : 6\r\n\r\nabcdef",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\n1 \r\na\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\n1\na\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n",
        GET + b"X: a\r\n b\r\n\r\n",
        GET + b"X: a\rY: b\r\n\r\n",
        GET + b"X: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
    ],
    ids=lambda request_: ascii(request_.partition(b"Host: x")[2])[2:50],
)
async def test_what_a_proxy_could_read_otherwise_is_refused(port: int, request_: bytes) -> None:
    """Where two programs see different ends of a request, its rest is somebody else's request."""
    answer = await _said(port, request_)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("end", [b"0\r\nX: ", b"1;x="], ids=["a trailer", "an extension"])
async def test_what_stands_beside_a_body_has_an_end_too(port: int, end: bytes) -> None:
    chunks = b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 1_000
    answer = await _said(port, POST + chunks, end + b"a" * (2 * HEAD_BYTES))
    assert answer == b"reset" or answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 4000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"],
    ids=["of a known length", "in chunks"],
)
async def test_a_body_that_drips_is_cut_off_f32(
    port: int, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(POST + head)
    drop = b"1\r\na\r\n" if b"chunked" in head else b"a"
    try:
        async with asyncio.timeout(20):
            while True:
                writer.write(drop)
                try:
                    async with asyncio.timeout(0.05):
                        if not await reader.read(4096):
                            break
                except TimeoutError:
                    continue
    except ConnectionError:
        pass  # Reset, as something was on its way.
    finally:
        writer.close()


async def test_a_body_that_came_in_time_costs_its_answer_nothing(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(POST + b"Content-Length: 3\r\n\r\nabc")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        await asyncio.sleep(0.3)
    writer.close()


@pytest.mark.parametrize("parts", [(), (b"GET / HT",), (GET,), (GET + b"\r\n", GET)])
async def test_who_does_not_come_to_an_end_is_closed(
    port: int, monkeypatch: pytest.MonkeyPatch, parts: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(http, "HEAD_SECONDS", 0.3)
    answer = await _said(port, *parts)
    assert answer.count(b"HTTP/1.1 204") == (len(parts) == 2)


async def test_a_line_end_after_an_answer_keeps_no_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "HEAD_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(20):
        writer.write(GET + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\r\n")
        assert await reader.read() == b""
    writer.close()


@pytest.fixture
def one_begins_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BEGINNINGS_A_TURN", 1)


@pytest.mark.usefixtures("one_begins_a_turn")
async def test_many_who_begin_at_once_are_all_answered(port: int) -> None:
    halves = GET, b"Connection: close\r\n\r\n"
    answers = await asyncio.gather(*(_said(port, *halves) for _ in range(30)))
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 204"] * 30


@pytest.mark.usefixtures("one_begins_a_turn")
async def test_who_is_gone_before_their_turn_keeps_nobody_waiting(port: int) -> None:
    gone = [await asyncio.open_connection("127.0.0.1", port) for _ in range(10)]
    for _, writer in gone:
        writer.write(GET + b"\r\n")
    for _, writer in gone:
        writer.transport.abort()
    answer = await _said(port, GET + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 204")
