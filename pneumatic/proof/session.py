"""A signed-in session: tokens, renewed as a real client does it, and requests in its name."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlencode

from pneumatic.proof.history import now
from pneumatic.proof.mirror import Frame
from pneumatic.proof.rest import Answer

#: A token that ends within these seconds is not begun with any more.
SOON = 5.0
#: After a renewal that failed for now, in seconds.
_AGAIN = 0.5
_PAGE = 100


@dataclass
class Grant:
    """What signing in or renewing gives; `ends` in seconds since the epoch."""

    access: str
    refresh: str
    ends: float


class Asks(Protocol):
    """What carries requests: `Rest`, or a test's."""

    async def ask(self, token: str, method: str, path: str, body: Any = None) -> Answer | None: ...


class Session:
    """One session of a person. Renewing is single: who asks meanwhile gets the same new token."""

    def __init__(
        self, name: str, grant: Grant, rest: Asks, *, clock: Callable[[], float] = now
    ) -> None:
        self.name = name
        self.renewals = 0
        #: The server took the session away, and nobody had asked for that.
        self.refused = False
        self._grant = grant
        self._rest = rest
        self._clock = clock
        self._renewing: asyncio.Task[str | None] | None = None
        self._insisting: asyncio.Task[None] | None = None

    async def token(self) -> str | None:
        """An access token that is good for a while; None where it can't be renewed now."""
        if self._grant.ends - self._clock() > SOON:
            return self._grant.access
        return await self.renew()

    async def renew(self) -> str | None:
        """A new access token, whatever the old one says; None where it can't be had now."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        # Whoever asked may be gone when the answer comes, with its connection: the session takes
        # it all the same, for its old refresh token is good only once.
        return await asyncio.shield(self._renewing)

    async def _renew(self) -> str | None:
        answer = await self._rest.ask(
            "", "POST", "auth/token/refresh/", {"refresh": self._grant.refresh}
        )
        if answer is None or answer.failed:
            # It may have been done, and the old token be good for a moment only: try until it is
            # known, whatever becomes of the connection for which this was asked.
            if self._insisting is None or self._insisting.done():
                self._insisting = asyncio.create_task(self._insist())
            return None
        if not answer.good:
            self.refused = self.refused or answer.status == HTTPStatus.UNAUTHORIZED
            return None
        ends = datetime.fromisoformat(answer.body["access_expires_at"]).timestamp()
        self._grant = Grant(answer.body["access"], answer.body["refresh"], ends)
        self.renewals += 1
        return self._grant.access

    async def _insist(self) -> None:
        await asyncio.sleep(_AGAIN)
        await self.renewed()

    async def renewed(self) -> str | None:
        """A new access token, however long that takes; None where the session is over."""
        while not self.refused:
            if token := await self.renew():
                return token
            await asyncio.sleep(_AGAIN)
        return None

    async def ask(self, method: str, path: str, body: Any = None) -> Answer | None:
        """The answer, in the name of this session; None where none came."""
        token = await self.token()
        if token is None:
            return None
        answer = await self._rest.ask(token, method, path, body)
        if answer is not None and answer.status == HTTPStatus.UNAUTHORIZED:
            token = await self.renew()
            return None if token is None else await self._rest.ask(token, method, path, body)
        return answer

    async def page(self, conversation: str, before: int | None = None) -> list[Frame] | None:
        """Up to 100 messages, the newest or those before a place; None where they can't be had."""
        query = {"limit": _PAGE, **({} if before is None else {"before_seq": before})}
        answer = await self.ask("GET", f"conversations/{conversation}/messages/?{urlencode(query)}")
        if answer is None or not answer.good:
            return None
        rows: list[Frame] = answer.body["results"]
        return rows
