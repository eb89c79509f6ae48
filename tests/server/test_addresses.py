"""Security list 26 and 42: who asks is who connected, whatever the headers say.

Over the wire, so that what the server program makes of a header is part of it.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.server.running import Running, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

Serving = Callable[..., Running]
SPOOFED = "203.0.113.66"
#: What clients write to be taken for somebody else; each many times, with another address.
LIES = [
    "X-Forwarded-For",
    "X_Forwarded_For",
    "x_forwarded-for",
    "X-Real-IP",
    "X_Real_IP",
    "Forwarded",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Remote-Addr",
    "REMOTE_ADDR",
]


def _lie(name: str, number: int) -> str:
    address = SPOOFED[:-2] + str(number)
    return f"for={address};proto=https" if name == "Forwarded" else address


async def _post(server: Running, *headers: str, who: str = "nobody") -> int:
    """Try to sign in with raw headers, as no client library would let us; the status."""
    body = json.dumps({"username": who, "password": "wrong"}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = [
        "POST /api/v1/auth/token/ HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
        "",
        "",
    ]
    writer.write("\r\n".join(head).encode() + body)
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1])


async def _socket(server: Running, headers: list[tuple[str, str]]) -> ClientConnection:
    return await connect(
        f"ws://127.0.0.1:{server.port}/ws/",
        origin=cast(Any, server.url),
        subprotocols=[cast(Any, "pneumatic.v1")],
        additional_headers=headers,
        open_timeout=20,
    )


async def _closed(line: ClientConnection) -> int | None:
    try:
        await asyncio.wait_for(line.recv(), 20)
    except ConnectionClosed:
        return line.close_code
    return None


def _addresses(server: Running, event: str) -> list[str]:
    lines = [line for line in server.log.splitlines() if line.startswith("{")]
    return [
        str(said["address"])
        for line in lines
        if (said := json.loads(line))["event"] == event
        and str(said.get("path", "/ws/")) in ("/api/v1/auth/token/", "/ws/")
    ]


async def test_headers_of_the_client_change_neither_the_limit_nor_the_log(
    serving: Serving,
) -> None:
    server = serving(
        RATE_LIMIT_PER_HOUR=str(len(LIES)), SOCKETS_PER_ADDRESS="1", LOG_FORMAT="json"
    ).start()

    tried = [
        # Each for another account: one of them would be slowed whatever the address.
        await _post(server, f"{name}: {_lie(name, number)}", who=f"nobody{number}")
        for number, name in enumerate(LIES)
    ]
    everything = [f"{name}: {_lie(name, 77)}" for name in LIES]
    one_too_many = await _post(server, *everything)

    assert tried == [401] * len(LIES)
    assert one_too_many == 429
    first = await _socket(server, [])
    for number, name in enumerate(LIES):
        line = await _socket(server, [(name, _lie(name, number))])
        assert await _closed(line) == 4429, name
    await first.close()
    await until(lambda: len(_addresses(server, "socket")) == len(LIES) + 1)
    assert set(_addresses(server, "request")) == {"127.0.0.1"}
    assert set(_addresses(server, "socket")) == {"127.0.0.1"}
    assert "203.0.113." not in server.log


async def test_behind_one_proxy_only_the_last_entry_of_its_one_header_counts(
    serving: Serving,
) -> None:
    """What stands further left, or in a second header before it, the client wrote itself."""
    server = serving(
        TRUSTED_PROXIES="1",
        RATE_LIMIT_PER_HOUR="4",
        SOCKETS_PER_ADDRESS="1",
        LOG_FORMAT="json",
    ).start()
    real = "198.51.100.7"
    ways = [
        [f"X-Forwarded-For: {SPOOFED}, {real}"],
        [f"X-Forwarded-For: {SPOOFED}", f"X-Forwarded-For: {real}"],
        [f"X_Forwarded_For: {SPOOFED}", f"X-Forwarded-For: {real}"],
        [f"X-Forwarded-For: {real}", f"X_Forwarded_For: {SPOOFED}", f"X-Real-IP: {SPOOFED}"],
        [f"X-Forwarded-For: 1.1.1.1, {SPOOFED} , {real}", f"Forwarded: for={SPOOFED}"],
    ]

    assert [await _post(server, *headers) for headers in ways] == [401] * 4 + [429]
    assert await _post(server, "X-Forwarded-For: 198.51.100.8") == 401, "somebody else"
    first = await _socket(server, [("X-Forwarded-For", real)])
    for headers in ways:
        line = await _socket(server, [cast(Any, tuple(each.split(": "))) for each in headers])
        assert await _closed(line) == 4429, headers
    await first.close()
    await until(lambda: len(_addresses(server, "socket")) == len(ways) + 1)
    assert set(_addresses(server, "request")) == {real, "198.51.100.8"}
    assert set(_addresses(server, "socket")) == {real}
    assert SPOOFED not in server.log
