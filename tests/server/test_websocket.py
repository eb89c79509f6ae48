"""Our server's WebSocket connections: what comes in pieces, what goes out in order, who floods."""

import asyncio
from typing import Any, cast

import pytest
from websockets.asyncio.client import connect

from chat import limits
from pneumatic.server import http, websocket
from pneumatic.server.http import HeadProtocol
from pneumatic.server.websocket import FrameProtocol
from tests.server.websockets import (
    PATIENCE,
    App,
    deaf,
    read_to_the_end,
    serving,
    talking,
    until_full,
)

pytestmark = pytest.mark.asyncio


async def test_ready_frames_and_ordinary_ones_arrive_in_order(app: App) -> None:
    async with serving(app) as url, talking(url) as peer:
        await app.accepted.wait()
        assert app.takes == [False, True]
        for number in range(0, 20, 2):
            app.write(f"ready {number}")
            await app.send({"type": "websocket.send", "text": f"ordinary {number + 1}"})
        await peer.send("hello")
        texts = [await peer.recv() for _ in range(20)]
    assert texts == [f"{['ready', 'ordinary'][number % 2]} {number}" for number in range(20)]
    assert app.heard == ["hello"]


async def test_who_sends_half_a_frame_and_drips_the_rest_is_cut_off_f32(app: App) -> None:
    # Inside a frame there is no room for the answer to a ping.
    async with serving(app, ws_ping_interval=0.1, ws_ping_timeout=0.2) as url, talking(url) as peer:
        await app.accepted.wait()
        peer.transport.write(b"\x81\xfe\x04\x00mask")  # a text of 1024 bytes
        async with asyncio.timeout(PATIENCE):
            while not app.ended.is_set():
                peer.transport.write(b"x")
                await asyncio.sleep(0.1)
        await app.connection_lost()


def _frame(opcode: int, data: bytes = b"", mask: bytes = bytes(4)) -> bytes:
    """As a client sends it: masked, by default with a mask that changes nothing."""
    size = len(data)
    if size < 126:
        head = bytes((opcode, 0x80 | size))
    elif size < 65_536:
        head = bytes((opcode, 0x80 | 126)) + size.to_bytes(2)
    else:
        head = bytes((opcode, 0x80 | 127)) + size.to_bytes(8)
    return head + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(data))


_TALK = (
    # Whole texts, of lengths that are written in one, three and nine bytes; and the empty one.
    *((_frame(0x81, b"t" * size, b"mask"), "t" * size) for size in (1, 125, 126, 300, 0, 70_000)),
    (_frame(0x89, b"ping") + _frame(0x8A, b"pong"), None),
    (_frame(0x81, "\u00e9\u20ac".encode(), b"\x01\x02\x03\x04"), "\u00e9\u20ac"),
    # A text in pieces, with a ping in between.
    (_frame(0x01, b"a", b"wxyz") + _frame(0x89) + _frame(0x00, b"b") + _frame(0x80, b"c"), "abc"),
    *((_frame(0x81, b"end"), "end") for _ in range(3)),
)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 64, 131, 4_096, 1_000_000])
async def test_texts_are_read_however_the_network_cuts_them(app: App, step: int) -> None:
    talk = b"".join(frames for frames, _ in _TALK)
    async with serving(app, ws_max_size=100_000) as url, talking(url):
        await app.accepted.wait()
        assert app.server is not None
        [connection] = cast(set[FrameProtocol], app.server.server_state.connections)
        for at in range(0, len(talk), step):
            connection.data_received(talk[at : at + step])
        async with asyncio.timeout(PATIENCE):
            while "end" not in app.heard[-1:]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert app.heard == [text for _, text in _TALK if text is not None]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (b"\x81\x03abc", 1002),  # not masked
        (_frame(0xC1, b"a"), 1002),  # compressed, as nobody agreed
        (_frame(0x81, b"x" * 1_001), 1009),
        (_frame(0x81, b"\xff"), 1007),
        (_frame(0x01, b"a") + _frame(0x81, b"another begins"), 1002),
    ],
    ids=["bare", "compressed", "large", "no UTF-8", "within pieces"],
)
async def test_a_text_that_is_wrong_ends_the_connection_after_a_right_one(
    app: App, wrong: bytes, code: int
) -> None:
    async with serving(app, ws_max_size=1_000) as url, talking(url) as peer:
        await app.accepted.wait()
        peer.transport.write(_frame(0x81, b"right") + wrong + _frame(0x81, b"too late"))
        async with asyncio.timeout(PATIENCE):
            await app.ended.wait()
        await read_to_the_end(peer)
        assert peer.close_code == code
    assert app.heard == ["right"]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (_frame(0x89) * 2_000, 4429),
        (_frame(0x8A) * 2_000, 4429),
        (_frame(0x81) * 2_000, 4429),
        (_frame(0x01) + _frame(0x00) * 2_000, 1009),
        (_frame(0x01) + (_frame(0x89) + _frame(0x00)) * 2_000, 4429),
    ],
    ids=["pings", "pongs", "texts", "pieces of a text", "pieces and pings"],
)
async def test_tiny_frames_without_end_close_the_socket_security_18(
    app: App, frames: bytes, code: int
) -> None:
    async with serving(app) as url, talking(url) as peer:
        await app.accepted.wait()
        peer.transport.write(frames)
        async with asyncio.timeout(PATIENCE):
            await app.ended.wait()
        await read_to_the_end(peer)
        assert peer.close_code == code
        await app.connection_lost()


async def test_pongs_do_not_pile_up_for_who_reads_none_security_18(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FRAMES_BURST", 1_000_000)
    async with serving(app) as url, deaf(url) as peer:
        await app.accepted.wait()
        await until_full(app)
        assert app.server is not None
        [connection] = app.server.server_state.connections
        most = 0
        async with asyncio.timeout(PATIENCE):
            while not app.ended.is_set():
                most = max(most, connection.transport.get_write_buffer_size())
                peer.transport.write(_frame(0x89, b"p" * 125) * 100)
                await asyncio.sleep(0)
        assert most < 2 * limits.OUTBOUND_BYTES
        await read_to_the_end(peer)


async def test_who_floods_before_the_handshake_ends_is_cut_off_security_18() -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def never_accepts(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        asked.set()
        assert (await receive())["type"] == "websocket.disconnect"
        ended.set()
        await send({"type": "websocket.close"})

    async with serving(never_accepts) as url:
        port = int(url.rsplit(":", 1)[1].strip("/"))
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
            writer.write(_frame(0x8A) * 2_000)
            await ended.wait()
        writer.close()


async def test_a_peer_that_does_not_read_is_told_of_and_told_of_again_when_it_does(
    app: App,
) -> None:
    async with serving(app) as url, deaf(url) as peer:
        await app.accepted.wait()
        written = await until_full(app)
        async with asyncio.timeout(PATIENCE):
            for number in range(written):
                assert str(await peer.recv()).startswith(f"{number} ")
            while app.takes[-1] is False:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        app.write("still here")
        assert await peer.recv() == "still here"


async def test_a_close_waits_for_no_room_and_nothing_follows_it(app: App) -> None:
    async with serving(app) as url, deaf(url) as peer:
        await app.accepted.wait()
        written = await until_full(app)
        async with asyncio.timeout(PATIENCE):
            await app.send({"type": "websocket.close", "code": 4408, "reason": ""})
        assert len(await read_to_the_end(peer)) == written
        assert peer.close_code == 4408
    assert app.takes[-1] is None


async def test_who_reads_nothing_of_a_close_is_given_up(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "CLOSE_SECONDS", 0.05)
    async with serving(app) as url, deaf(url) as peer:
        await app.accepted.wait()
        await until_full(app)
        await app.send({"type": "websocket.close", "code": 4408, "reason": ""})
        await app.connection_lost()
        await read_to_the_end(peer)
        assert peer.close_code == 1006


async def test_a_peer_that_leaves_takes_no_frames(app: App) -> None:
    async with serving(app) as url:
        async with talking(url):
            await app.accepted.wait()
        async with asyncio.timeout(PATIENCE):
            await app.ended.wait()
        assert app.takes == [False, True, None]


async def test_of_a_peer_that_was_behind_and_leaves_it_is_told_that_it_takes_no_more(
    app: App,
) -> None:
    async with serving(app) as url, deaf(url) as peer:
        await app.accepted.wait()
        await until_full(app)
        peer.transport.abort()
        await app.connection_lost()
    assert app.takes[-2:] == [False, None]


async def test_a_connection_that_compresses_takes_no_ready_frames(app: App) -> None:
    async with serving(app, ws_per_message_deflate=True) as url, connect(url) as peer:
        await app.accepted.wait()
        assert app.line is None
        await app.send({"type": "websocket.send", "text": "as ever"})
        assert await peer.recv() == "as ever"


async def test_many_who_come_at_once_are_all_let_in_and_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "BEGINNINGS_A_TURN", 1)
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            heard.append(message["text"])

    async def come(number: int, url: str) -> None:
        async with connect(url) as client:
            await client.send(str(number))

    async with serving(app, http=HeadProtocol) as url, asyncio.timeout(PATIENCE):
        await asyncio.gather(*(come(number, url) for number in range(20)))
    assert sorted(heard, key=int) == [str(number) for number in range(20)]


async def test_what_looks_like_a_frame_in_the_midst_of_a_text_is_none(app: App) -> None:
    # Of bytes above 127 alone, which this mask makes ASCII.
    mask = b"\x80" * 4
    looks = _frame(0x81, b"inner", mask)
    text = bytes(byte ^ 0x80 for byte in looks)
    whole = _frame(0x81, b"x" + text, mask)
    # The mask is four bytes long, so what stands behind one byte is masked alike.
    first, second = whole[: -len(looks)], whole[-len(looks) :]
    assert second == looks
    async with serving(app) as url, talking(url) as peer:
        await app.accepted.wait()
        assert app.server is not None
        [connection] = cast(set[FrameProtocol], app.server.server_state.connections)
        async with asyncio.timeout(PATIENCE):
            await peer.send("before")
            while app.heard != ["before"]:  # noqa: ASYNC110
                await asyncio.sleep(0)
            peer.transport.write(first)
            while not connection.conn.reader.buffer:  # noqa: ASYNC110
                await asyncio.sleep(0)
            peer.transport.write(second)
            while len(app.heard) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
    assert app.heard == ["before", "x" + text.decode()]
