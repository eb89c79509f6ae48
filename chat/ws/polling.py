"""Asking the database what changed, while processes can't hear each other."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import structlog

from chat import protocol, queries
from chat.actions.unheard import say_heard, say_unheard
from chat.ws.rooms import Rooms
from pneumatic.lib.database.threads import in_database

log = structlog.get_logger(__name__)
#: How often the database is asked, in seconds.
_POLL_SECONDS: Final = 1.5
_RESYNC: Final = protocol.encode(protocol.Resync())


class Polling:
    """Tells devices to sync what the database says, while a process can't hear, or be heard.

    One whose channel layer is away says so in the database: the layer of the others may be well,
    and then nothing else would tell them that there is something to ask for.
    """

    def __init__(self, rooms: Rooms, also: Callable[[], Awaitable[None]]) -> None:
        """`also` is done in each round of questions."""
        self._rooms = rooms
        self._also = also
        self._process = uuid4()
        self._has_said_so = False
        #: The versions of the last round. Empty before the first, in which everybody is told: what
        #: was announced after the layer fell silent would already be in a baseline taken then, and
        #: nobody would hear of it. How far the devices are nobody here knows: events are texts.
        #: (When the layer is back everybody is told once more, for the same reason.)
        self._seen: dict[UUID, int] = {}

    async def run(self) -> None:
        """Look every moment, until cancelled."""
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            try:
                await self._look()
            except Exception:
                log.info("poll_failed", exc_info=True)

    async def _look(self) -> None:
        if not self._rooms.bus.healthy:
            self._has_said_so = True
            await in_database(partial(say_unheard, process=self._process))
        elif self._has_said_so:
            await in_database(partial(say_heard, process=self._process))
            self._has_said_so = False
        elif not await in_database(queries.is_another_unheard, self._process):
            self._seen.clear()
            return
        await self._resync_what_changed()
        await self._also()

    async def _resync_what_changed(self) -> None:
        rooms = {
            UUID(room.conversation): room
            for room in self._rooms.by_group.values()
            if room.conversation is not None
        }
        versions = await in_database(queries.versions_of, list(rooms))
        changed = [each for each in versions if self._seen.get(each) != versions[each]]
        for socket in {socket for each in changed for socket in rooms[each].sockets}:
            socket.outbound.offer(_RESYNC)
        self._seen = versions
