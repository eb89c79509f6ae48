"""The groups that a process is in, and which of its sockets listen to each."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import Protocol
from uuid import UUID

from chat import groups
from chat.ws.outbound import Outbound
from chat.ws.rounds import Round
from pneumatic.lib import realtime


class Socket(Protocol):
    """What the hub needs of a connection."""

    user_id: UUID
    #: The same as a text, as keys and envelopes have it: to write it out takes longer than to ask.
    user_text: str
    session_id: UUID
    device: str
    outbound: Outbound
    #: Whether it is counted among those who are online: from the end of its welcome on.
    arrived: bool

    def invited(self, conversation_id: UUID) -> None:
        """The person is in this conversation now: join it and send it."""

    def revoked(self) -> None:
        """The session has ended: close."""


class Room:
    """A group and the local sockets in it."""

    __slots__ = (
        "changing",
        "conversation",
        "ended",
        "held",
        "joined",
        "name",
        "round",
        "sockets",
    )

    def __init__(self, name: str) -> None:
        #: The group's. One text for all sockets: each would keep a copy of its own.
        self.name = name
        #: Its id as devices write it. Kept, because every heartbeat asks for those of a socket.
        self.conversation = groups.conversation_of(name)
        self.sockets: set[Socket] = set()
        #: Set at the end of its being joined or left, where it is being so just now.
        self.changing: asyncio.Event | None = None
        self.joined = False
        #: The newest end of a membership that the sockets here are known to reflect.
        self.ended = 0
        #: Events that wait until that is known again.
        self.held: list[realtime.Envelope] | None = None
        #: What is being handed on, where there are too many sockets to do it at once.
        self.round: Round[Socket] | None = None

    def let_in(self, socket: Socket) -> None:
        """It is handed what comes from now on."""
        if self.round is not None and socket not in self.sockets:
            self.round.enter(socket)
        self.sockets.add(socket)

    def put_out(self, socket: Socket) -> None:
        """It is handed nothing more, not even what is on its way."""
        if self.round is not None:
            self.round.leave(socket)
        self.sockets.discard(socket)


class Rooms:
    """Joins a group for its first socket, leaves it after its last one."""

    def __init__(self, listener: realtime.Listener) -> None:
        self.bus = realtime.bus()
        #: Every local socket with the groups that it is in.
        self.sockets: dict[Socket, set[str]] = {}
        self.by_group: dict[str, Room] = {}
        #: Kept, because every heartbeat asks for them; forgotten where they change.
        self._conversations: dict[Socket, frozenset[str]] = {}
        self._listener = listener
        self._heard: Collection[str] = ()

    async def listen(self) -> None:
        """Hear the other processes, from now on or from when the channel layer is there."""
        await self.bus.listen(self._listener)

    async def hear(self, groups: Collection[str]) -> None:
        """Hear what is published to these groups, whoever is in them, for good."""
        if self._heard != groups:
            await self.listen()
            await self.bus.join(groups)
            self._heard = groups

    async def join(self, socket: Socket, groups: Mapping[str, int]) -> None:
        """From its return on, the socket gets what is published to these groups.

        With each the newest end of a membership there when the person's own was read.

        While the channel layer is away that is what this process publishes itself; the listener is
        told when the layer is back.
        """
        if socket not in self.sockets:
            return  # gone while this was on its way
        rooms: list[Room] = []
        for group, ended in groups.items():
            room = self.by_group.get(group)
            if room is None:
                room = self.by_group[group] = Room(group)
            rooms.append(room)
            # That the person belongs here was read before, and may have changed since.
            room.ended = min(room.ended, ended) if room.sockets else ended
            room.let_in(socket)
        self.sockets[socket].update([room.name for room in rooms])
        self._conversations.pop(socket, None)
        await self.listen()
        changing = [room for room in rooms if not room.joined or room.changing is not None]
        async with _locked(changing):
            # Without those that everybody was put out of while this waited.
            new = [
                room
                for room in changing
                if not room.joined and self.by_group.get(room.name) is room
            ]
            if new:
                await self.bus.join([room.name for room in new])
            for room in new:
                room.joined = True

    def put_out(self, socket: Socket, group: str, room: Room) -> None:
        """At once: from now on nothing of the group is handed to the socket."""
        room.put_out(socket)
        self.sockets.get(socket, set()).discard(group)
        self._conversations.pop(socket, None)

    async def leave(self, socket: Socket, group: str) -> None:
        """Put the socket out, and leave the group if it was the last one."""
        room = self.by_group.get(group)
        if room is not None:
            self.put_out(socket, group, room)
            await self.leave_if_empty({group: room})

    async def leave_if_empty(self, rooms: Mapping[str, Room]) -> None:
        """Leave those of the groups in which no socket is any more."""
        rooms = {group: room for group, room in rooms.items() if not room.sockets}
        async with _locked(rooms.values()):
            empty = {
                group: room
                for group, room in rooms.items()
                if not room.sockets and self.by_group.get(group) is room
            }
            for room in empty.values():
                # Before: where leaving is cut short, the next socket joins all the same.
                room.joined = False
            if empty:
                # Also of what isn't marked as joined: joining it may have been cut short.
                await self.bus.leave(empty)
            for group, room in empty.items():
                if not room.sockets:
                    del self.by_group[group]

    def conversations_of(self, socket: Socket) -> frozenset[str]:
        """The ids of the conversations that a socket is in, such as `str` makes them."""
        known = self._conversations.get(socket)
        if known is None:
            ids = [self.by_group[group].conversation for group in self.sockets.get(socket, ())]
            known = frozenset([each for each in ids if each is not None])
            if socket in self.sockets:
                self._conversations[socket] = known
        return known

    async def leave_all(self, sockets: Iterable[Socket]) -> None:
        """Take these out of everything, in one call of the channel layer."""
        rooms: dict[str, Room] = {}
        for socket in sockets:
            self._conversations.pop(socket, None)
            for group in self.sockets.pop(socket, ()):
                room = self.by_group.get(group)
                if room is not None:
                    room.put_out(socket)
                    rooms[group] = room
        await self.leave_if_empty(rooms)


@asynccontextmanager
async def _locked(rooms: Iterable[Room]) -> AsyncIterator[None]:
    """Let nobody else join or leave these groups meanwhile."""
    # One for all of them: they may be a thousand, and nearly always nobody else wants any.
    ended = asyncio.Event()
    held: list[Room] = []
    try:
        # In one order, so that two who want the same don't wait for each other.
        for room in sorted(rooms, key=attrgetter("name")):
            while room.changing is not None:
                await room.changing.wait()
            room.changing = ended
            held.append(room)
        yield
    finally:
        for room in held:
            room.changing = None
        ended.set()
