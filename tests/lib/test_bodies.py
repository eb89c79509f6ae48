import json
from typing import Any

import pytest

from pneumatic.lib.http import bodies
from pneumatic.lib.http.bodies import BoundedBodies

pytestmark = pytest.mark.asyncio


async def _ask(chunks: list[bytes]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the application saw, and what was answered."""
    seen: dict[str, Any] = {}
    sent: list[dict[str, Any]] = []
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, start=1)
    ]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope=scope, message=await receive())

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": [(b"transfer-encoding", b"chunked")]}
    await BoundedBodies(application)(scope, receive, send)
    return seen, sent


async def test_a_chunked_body_gets_its_length() -> None:
    seen, sent = await _ask([b'{"a":', b"1}"])
    assert (b"content-length", b"7") in seen["scope"]["headers"]
    assert seen["message"] == {"type": "http.request", "body": b'{"a":1}', "more_body": False}
    assert not sent


async def test_a_body_without_end_is_refused_before_anything_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "MOST", 10)
    seen, sent = await _ask([b"x" * 8] * 1000)
    assert not seen
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["code"] == "too_large"
