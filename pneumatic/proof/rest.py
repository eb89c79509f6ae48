"""The REST side of a person: what only REST can do, and pages of history."""

import random
from collections.abc import Callable
from typing import Any

import httpx

from pneumatic.testing.mirror import Frame

_SECONDS = 10.0
_PAGE = 100


class Rest:
    """Requests in the name of people, at one of the processes. Failures are answers: None."""

    def __init__(self, doors: Callable[[], int], rng: random.Random) -> None:
        self.failures = 0
        self._doors = doors
        self._rng = rng
        self._client = httpx.AsyncClient(timeout=_SECONDS, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(
        self, token: str, method: str, path: str, **options: Any
    ) -> httpx.Response | None:
        """The answer; None where none came, so that what happened is not known."""
        url = f"http://127.0.0.1:{self._doors()}/api/v1/{path}"
        headers = {"Authorization": f"Bearer {token}"}
        try:
            answer = await self._client.request(method, url, headers=headers, **options)
        except httpx.HTTPError:
            self.failures += 1
            return None
        if answer.is_server_error:
            self.failures += 1
        return answer

    async def page(self, token: str, conversation: str, before: int | None) -> list[Frame] | None:
        """Up to 100 messages before a place; None where they can't be had."""
        place = {} if before is None else {"before_seq": before}
        answer = await self.ask(
            token,
            "GET",
            f"conversations/{conversation}/messages/",
            params={"limit": _PAGE, **place},
        )
        if answer is None or not answer.is_success:
            return None
        rows: list[Frame] = answer.json()["results"]
        return rows
