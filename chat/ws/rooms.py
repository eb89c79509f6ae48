"""The groups that a process is in, and which of its sockets listen to each."""

import asyncio
from typing import Protocol
from uuid import UUID

from chat.ws.outbound import Outbound
from pneumatic.lib import realtime


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

    def __init__(self, listener: realtime.Listener) -> None:
        self.bus = realtime.bus()
        #: Every local socket with the groups that it is in.
        self.sockets: dict[Socket, set[str]] = {}
        self.by_group: dict[str, Room] = {}
        self._listener = listener

    async def listen(self) -> None:
        """Hear the other processes, from now on or from when the channel layer is there."""
        await self.bus.listen(self._listener)

    async def join(self, socket: Socket, group: str, *, ended: int = 0) -> None:
        """From its return on, the socket gets what is published to `group`.

        `ended`: the newest end of a membership there when the person's own was read.

        While the channel layer is away that is what this process publishes itself; the listener is
        told when the layer is back.
        """
        if socket not in self.sockets:
            return  # gone while this was on its way
        room = self.by_group.setdefault(group, Room())
        # That the person belongs here was read before, and may have changed since.
        room.ended = min(room.ended, ended) if room.sockets else ended
        room.sockets.add(socket)
        self.sockets[socket].add(group)
        async with room.lock:
            if not room.joined:
                await self.listen()
                await self.bus.join(group)
                room.joined = True

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
