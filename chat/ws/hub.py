"""One hub a process: it is in a conversation's group once, however many sockets listen.

Channels would let every socket join every group itself, and copy each event once a socket. The hub
receives an event once and hands the same text to each local socket's queue.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import structlog

from accounts.queries import ended_among
from chat import groups, limits, presence, protocol, queries
from chat.actions.presence import come_back, miss
from chat.ws import handouts
from chat.ws.comings import Comings
from chat.ws.crowd import crowd
from chat.ws.endings import Endings
from chat.ws.polling import Polling
from chat.ws.rooms import Room, Rooms, Socket
from pneumatic.lib import realtime
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.metrics import watch_loop_lag
from pneumatic.lib.perloop import PerLoop

log = structlog.get_logger(__name__)
#: How often devices are said to be still there, and lost revocations looked for.
_KEEP_ALIVE_SECONDS: Final = limits.PRESENCE_SECONDS / 3
#: Every how many times of these the places of sockets are renewed: they are held for five.
_PLACES_EVERY: Final = 2
#: What each process hears, whoever is there.
_HEARD_BY_ALL: Final = (groups.PRESENCE, groups.SESSIONS)
_RESYNC: Final = protocol.encode(protocol.Resync())


class Hub:
    """The local sockets by group, and what happens with each envelope."""

    def __init__(self) -> None:
        self._rooms = Rooms(self)
        self.endings = Endings()
        self._polling = Polling(self._rooms, self._close_revoked)
        self._tasks: set[asyncio.Task[Any]] = set()
        #: Of what is to be done once at a time.
        self._begun: dict[Callable[[], Coroutine[Any, Any, None]], asyncio.Task[Any]] = {}

    async def start(self) -> None:
        """Hear and be heard by the other processes, before the first socket comes."""
        await self.hear()
        if self._rooms.bus.has_others:
            self._begin(self._polling.run)

    async def hear(self) -> None:
        """Hear what concerns any person and any session, from the return of this on."""
        await self._rooms.hear(_HEARD_BY_ALL)

    # --- Sockets come and go --------------------------------------------------------------------

    @property
    def sockets(self) -> Collection[Socket]:
        """The signed-in sockets of this process."""
        return self._rooms.sockets.keys()

    def register(self, socket: Socket) -> None:
        """Count a signed-in socket, which may join groups from now on."""
        self._rooms.sockets[socket] = set()
        self._begin(self._keep_alive)
        self._begin(watch_loop_lag)
        if self._rooms.bus.has_others:
            self._begin(self._polling.run)

    async def unregister(self, sockets: Iterable[Socket]) -> None:
        """See `Rooms.leave_all`."""
        await self._rooms.leave_all(sockets)

    async def join(self, socket: Socket, groups: Mapping[str, int]) -> None:
        """See `Rooms.join`."""
        await self._rooms.join(socket, groups)

    async def leave(self, socket: Socket, group: str) -> None:
        """See `Rooms.leave`."""
        await self._rooms.leave(socket, group)

    def is_in(self, socket: Socket, group: str) -> bool:
        return group in self._rooms.sockets.get(socket, ())

    def conversations_of(self, socket: Socket) -> frozenset[str]:
        """See `Rooms.conversations_of`."""
        return self._rooms.conversations_of(socket)

    def ended_in(self, conversation_id: str) -> int:
        """The newest end of a membership in a conversation that this process has heard of."""
        room = self._rooms.by_group.get(groups.conversation(conversation_id))
        return 0 if room is None else room.ended

    # --- Envelopes ------------------------------------------------------------------------------

    def deliver(self, group: str, envelopes: Sequence[realtime.Envelope]) -> None:
        match group:
            case groups.PRESENCE:
                self._presence(envelopes)
            case groups.SESSIONS:
                for envelope in envelopes:
                    self.endings.ended(UUID(envelope["session"]))
            case _:
                room = self._rooms.by_group.get(group)
                if room is not None:
                    self._deliver(group, room, envelopes)

    def _deliver(self, group: str, room: Room, envelopes: Sequence[realtime.Envelope]) -> None:
        ready: list[realtime.Envelope] = []
        for envelope in envelopes:
            if (
                envelope["kind"] in ("event", "state")
                and room.held is None
                and envelope.get("ended", 0) <= room.ended
            ):
                ready.append(envelope)
                continue
            # In their order: what this one does begins after what came before it.
            handouts.hand_out(room, ready)
            ready = []
            self._act_on(group, room, envelope)
        handouts.hand_out(room, ready)

    def _act_on(self, group: str, room: Room, envelope: realtime.Envelope) -> None:
        match envelope["kind"]:
            case "event" | "state":
                # Somebody's membership ended and this process was not told: ask before handing on.
                self._hold(group, room, envelope)
            case "ended":
                self._ended(group, room, envelope)
            case "closed":
                self._out(group, room, list(room.sockets))
            case "joined":
                for socket in room.sockets:
                    socket.invited(UUID(envelope["conversation"]))
            case unknown:
                log.warning("unknown_envelope", kind=unknown)

    def _hold(self, group: str, room: Room, envelope: realtime.Envelope) -> None:
        if room.held is not None:
            room.held.append(envelope)
            return
        room.held = [envelope]
        self._spawn(self._recheck(group, room))

    def _ended(self, group: str, room: Room, envelope: realtime.Envelope) -> None:
        if any(socket.user_text == envelope["user"] for socket in room.sockets):
            # Asked and not obeyed: it may come late, when the person is a member once more.
            self._hold(group, room, envelope)
        elif room.held is None and envelope["previous"] == room.ended:
            room.ended = envelope["ended"]

    def _out(self, group: str, room: Room, sockets: Collection[Socket]) -> None:
        conversation_id = UUID(group.removeprefix(groups.conversation("")))
        removed = protocol.encode(protocol.ConversationRemoved(conversation=conversation_id))
        for socket in sockets:
            # At once, not when the task below gets its turn: nothing may be handed out between.
            self._rooms.put_out(socket, group, room)
            socket.outbound.offer(removed)
        self._spawn(self._rooms.leave_if_empty({group: room}))

    async def _recheck(self, group: str, room: Room) -> None:
        """Put out whoever is no member any more, then hand out what was held meanwhile."""
        try:
            checked = await self._put_out_strangers(group, room)
        except Exception:
            # Not known: hand out nothing. The devices sync, and that asks the database again.
            log.warning("membership_recheck_failed", exc_info=True)
            room.held = None
            for socket in tuple(room.sockets):
                socket.outbound.offer(_RESYNC)
            return
        room.ended = checked
        held, room.held = room.held or [], None
        handouts.hand_out(room, [envelope for envelope in held if envelope["kind"] != "ended"])

    async def _put_out_strangers(self, group: str, room: Room) -> int:
        """The newest end of a membership that everybody in the room is known to have survived."""
        conversation_id = UUID(group.removeprefix(groups.conversation("")))
        checked, known = 0, set[UUID]()
        while True:
            newest = max(each.get("ended", 0) for each in room.held or [{}])
            if newest > checked:
                checked, known = newest, set()
            asked = {socket.user_id for socket in room.sockets} - known
            if not asked:
                return checked
            members = await in_database(queries.members_among, conversation_id, asked)
            # Only those who were asked about: others may have come in meanwhile.
            if gone := asked - members:
                self._out(group, room, [s for s in room.sockets if s.user_id in gone])
            known |= members

    def _presence(self, envelopes: Sequence[realtime.Envelope]) -> None:
        comings = Comings(self._rooms)
        for envelope in envelopes:
            for group, room, ended in comings.add(envelope):
                self._hold(group, room, {**envelope, "kind": "state", "ended": ended})
        comings.hand_out()

    # --- The channel layer goes and comes back --------------------------------------------------

    def layer_lost(self) -> None:
        self._begin(self._polling.run)

    def layer_back(self) -> None:
        for socket in tuple(self.sockets):
            socket.outbound.offer(_RESYNC)

    async def _close_revoked(self) -> None:
        """End the sockets of sessions whose end was not heard of."""
        ended = await in_database(ended_among, {socket.session_id for socket in self.sockets})
        if ended:
            for socket in tuple(self.sockets):
                if socket.session_id in ended:
                    socket.revoked()

    # --- In the background ----------------------------------------------------------------------

    async def _keep_alive(self) -> None:
        """Once in a while: who is here stays online, and who was signed out goes."""
        times = 0
        while self.sockets:
            await asyncio.sleep(_KEEP_ALIVE_SECONDS)
            times += 1
            try:
                await self._keep_presence()
                if times % _PLACES_EVERY == 0:
                    await crowd().renew()
                await self._close_revoked()
            except Exception:
                # It must go on: without it everybody here would seem to be offline.
                log.warning("sessions_not_checked", exc_info=True)

    async def _keep_presence(self) -> None:
        """Renew who is here, then miss who is nowhere; telling of it holds up no renewal."""
        # Who is being welcomed would be taken for somebody who was forgotten and is back.
        every, here = tuple(s for s in self.sockets if s.arrived), self._rooms.sockets
        back = await presence.renew((s.user_text, s.device) for s in every if s in here)
        if back:
            self._spawn(come_back(user_ids=back))
        self._begin(miss)

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this in the background, unless it is under way."""
        begun = self._begun.get(work)
        if begun is None or begun.done():
            self._begun[work] = self._spawn(work())

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Stop what runs in the background."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await realtime.close_bus()


_hubs = PerLoop(Hub)


def hub() -> Hub:
    """The running event loop's hub, made at the first call."""
    return _hubs.get()


async def close_hub() -> None:
    """Close the running event loop's hub, if it has one."""
    found = _hubs.pop()
    if found is not None:
        await found.close()
