"""The groups that a process is in, and which of its sockets listen to each."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

import structlog

from chat.ws.outbound import Outbound
from pneumatic.lib import realtime

log = structlog.get_logger(__name__)
_MEND_SECONDS: Final = 1.0


class Socket(Protocol):
    """What the hub needs of a connection."""

    user_id: UUID
    session_id: UUID
    device: str
    outbound: Outbound

    def invited(self, conversation_id: UUID) -> None:
        """The person is in this conversation now: join it and send it."""

    def revoked(self) -> None:
        """The session has ended: close."""

    async def retire(self) -> None:
        """This process stops: answer what was said, then close."""


class Room:
    """A group and the local sockets in it."""

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self.lock = asyncio.Lock()
        self.joined = False
        #: The newest end of a membership that the sockets here are known to reflect.
        self.ended = 0
        #: Events that wait until that is known again.
        self.held: list[realtime.Envelope] | None = None


class Rooms:
    """Joins a group for its first socket, leaves it after its last one."""

    def __init__(self, listener: realtime.Listener, on_mended: Callable[[], None]) -> None:
        self.bus = realtime.bus()
        #: Every local socket with the groups that it is in.
        self.sockets: dict[Socket, set[str]] = {}
        self.by_group: dict[str, Room] = {}
        self._listener = listener
        self._on_mended = on_mended
        self._mending: asyncio.Task[None] | None = None

    async def join(self, socket: Socket, group: str) -> None:
        """From its return on, the socket gets what is published to `group`.

        Where the channel layer is away the socket is in all the same; joining is tried again until
        it succeeds, and then `on_mended` is called.
        """
        if socket not in self.sockets:
            return  # gone while this was on its way
        room = self.by_group.setdefault(group, Room())
        room.sockets.add(socket)
        # That the person belongs here was read before, and may have changed since.
        room.ended = 0
        self.sockets[socket].add(group)
        async with room.lock:
            if not room.joined:
                await self._try_to_join(group, room)

    def put_out(self, socket: Socket, group: str, room: Room) -> None:
        """At once: from now on nothing of the group is handed to the socket."""
        room.sockets.discard(socket)
        self.sockets.get(socket, set()).discard(group)

    async def leave(self, socket: Socket, group: str) -> None:
        """Put the socket out, and leave the group if it was the last one."""
        room = self.by_group.get(group)
        if room is not None:
            self.put_out(socket, group, room)
            await self.leave_if_empty(group, room)

    async def leave_if_empty(self, group: str, room: Room) -> None:
        """Leave the group if no socket is in it any more."""
        if room.sockets:
            return
        async with room.lock:
            if room.sockets or self.by_group.get(group) is not room:
                return
            if room.joined:
                await self.bus.leave(group)
            room.joined = False
            if not room.sockets:
                del self.by_group[group]

    async def leave_all(self, socket: Socket) -> None:
        for group in self.sockets.pop(socket, set()).copy():
            await self.leave(socket, group)

    async def close(self) -> None:
        if self._mending is not None:
            self._mending.cancel()
            await asyncio.gather(self._mending, return_exceptions=True)

    async def _try_to_join(self, group: str, room: Room) -> None:
        try:
            await self.bus.listen(self._listener)
            await self.bus.join(group)
            room.joined = True
        except Exception as error:
            log.info("group_not_joined", group=group, error=repr(error))
            if self._mending is None or self._mending.done():
                self._mending = asyncio.get_running_loop().create_task(self._mend())

    async def _mend(self) -> None:
        while missing := [group for group, room in self.by_group.items() if not room.joined]:
            await asyncio.sleep(_MEND_SECONDS)
            for group in missing:
                room = self.by_group.get(group)
                if room is None or room.joined:
                    continue
                async with room.lock:
                    await self._try_to_join(group, room)
                if not room.joined:
                    break
        self._on_mended()
