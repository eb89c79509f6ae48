"""Requests to a process, by the standard library alone: the image has no HTTP client."""

import asyncio
import http.client
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, NamedTuple

_SECONDS = 10.0
#: Requests that may be under way at the same time; more wait for their turn.
_AT_ONCE = 32


class Answer(NamedTuple):
    """What came back; `body` is None where there was none."""

    status: int
    body: Any

    @property
    def good(self) -> bool:
        return self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def failed(self) -> bool:
        """Whether the server is to blame, so that what happened is not known."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class Rest:
    """Requests in the name of people, at one of the processes. Failures are answers: None."""

    def __init__(self, doors: Callable[[], int]) -> None:
        self.failures = 0
        self._doors = doors
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rest")

    def close(self) -> None:
        self._threads.shutdown()

    async def ask(self, token: str, method: str, path: str, body: Any = None) -> Answer | None:
        """The answer; None where none came, so that what happened is not known."""
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(
                self._threads, _ask, self._doors(), token, method, path, body
            )
        except (OSError, http.client.HTTPException):
            self.failures += 1
            return None
        self.failures += answer.failed
        return answer


def _ask(door: int, token: str, method: str, path: str, body: Any) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", door, timeout=_SECONDS)
    headers: Mapping[str, str] = {
        "Content-Type": "application/json",
        **({"Authorization": f"Bearer {token}"} if token else {}),
    }
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, f"/api/v1/{path}", body=text, headers=headers)
        response = connection.getresponse()
        text = response.read().decode()
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(response.status, json.loads(text) if is_json and text else None)
    finally:
        connection.close()
