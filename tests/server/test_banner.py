"""Strangers aren't told which programs, in which versions, answer them."""

import re
import socket
from collections.abc import Callable

from tests.server.running import Running

KEY = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
END = b"Connection: close\r\n\r\n"
ASKED = {
    "a page": (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + END, 200),
    "what isn't there": (b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n" + END, 404),
    "a refusal": (b"GET /api/v1/users/me/ HTTP/1.1\r\nHost: localhost\r\n" + END, 401),
    "nonsense": (b"GET\r\n\r\n", 400),
    "too much": (
        b"POST /api/v1/sync/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1200000\r\n"
        + END
        + b"x" * 1_200_000,
        413,
    ),
    "a socket": (b"GET /ws/ HTTP/1.1\r\nHost: localhost\r\n" + UPGRADE + KEY + b"\r\n", 101),
    "half a socket": (b"GET /ws/ HTTP/1.1\r\nHost: localhost\r\n" + UPGRADE + b"\r\n", 400),
}


def _head(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head and (more := line.recv(65_536)):
            head += more
    return head.partition(b"\r\n\r\n")[0]


def test_no_answer_says_what_serves_it(serving: Callable[..., Running]) -> None:
    server = serving(LOG_LEVEL="ERROR").start()
    for what, (request, status) in ASKED.items():
        head = _head(server.port, request)
        assert head.startswith(b"HTTP/1.1 %d" % status), f"{what}: {head!r}"
        assert not re.search(rb"(?im)^(server|via|x-powered-by):", head), f"{what}: {head!r}"
        for name in (b"uvicorn", b"websockets", b"python", b"django", b"daphne"):
            assert name not in head.lower(), f"{what}: {head!r}"
