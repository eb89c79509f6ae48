"""How a socket is told what its device has missed."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from accounts.authentication import Identity
from chat import catchup, groups, metrics, presence, presenters, protocol
from chat.protocol import Close
from chat.queries import Beside, Standing
from chat.ws.entrances import surroundings
from chat.ws.hub import hub
from chat.ws.standings import standings
from pneumatic.lib.database.threads import in_database

if TYPE_CHECKING:
    from chat.ws.consumer import ChatConsumer


_NOTHING_NEW: Final = protocol.encode(protocol.Synced())
#: To be held around reads from the database, and around nothing else: a device that takes its time
#: with what it is sent shall not keep others waiting.
Turn = Callable[[], AbstractAsyncContextManager[None]]


def begin_heartbeat(socket: "ChatConsumer", command: protocol.Heartbeat) -> None:
    """As `bring_up_to_date`, for a device that mostly knows all, and that nobody waits for.

    So others come along with its read, until it has something else to say; and no task is made for
    it, unless there is something new.
    """
    joined = hub().conversations_of(socket)
    asked, newer = standings(), _Joins(socket.joins)
    answer = asked.ask(socket.user_text, patient=True)
    socket.incoming.hold(asked.hurry)
    answer.add_done_callback(partial(_compare, socket, command, joined, newer))


def _compare(
    socket: "ChatConsumer",
    command: protocol.Heartbeat,
    joined: frozenset[str],
    newer: "_Joins",
    answer: "asyncio.Future[Standing]",
) -> None:
    failed = answer.cancelled() or answer.exception() is not None
    # It names nothing that isn't joined, or it would be no heartbeat: as many are the same.
    if failed or len(joined) != len(command.versions) or not _knows(command, answer.result()):
        socket.go_on(command, partial(_catch_up, socket, command, joined, newer, answer))
        return
    newer.end()
    socket.outbound.offer(_synced(command.ref))
    socket.incoming.release()


async def _catch_up(
    socket: "ChatConsumer",
    command: protocol.Heartbeat,
    joined: frozenset[str],
    newer: "_Joins",
    answer: "asyncio.Future[Standing]",
) -> None:
    assert socket.identity is not None  # noqa: S101 - it has said hello
    with newer:
        standing = answer.result()
        since = _since(socket.identity, command)
        same_history = command.epoch == standing.epoch
        found = await in_database(since, same_history=same_history, standing=standing)
        found = await _move(socket, socket.identity, command, found, joined, newer)
    await tell(socket, command, found)


def _knows(command: protocol.Heartbeat, standing: Standing) -> bool:
    """Whether the device knows all that there is, and nothing else."""
    return command.epoch == standing.epoch and command.versions == standing.versions


async def bring_up_to_date(
    socket: "ChatConsumer",
    identity: Identity,
    command: protocol.Heartbeat,
    turn: Turn = nullcontext,
    shared: Turn = nullcontext,
) -> None:
    """Answer a sync: join what an invitation got lost of, and tell what the device has missed.

    Reads that others share are made in a turn of the `shared` ones.
    """
    joined = hub().conversations_of(socket)
    with _Joins(socket.joins) as newer:
        found = await _look(identity, command, turn, shared, joined=joined)
        if found is None:
            socket.outbound.offer(_synced(command.ref))
            return
        found = await _move(socket, identity, command, found, joined, newer, turn)
    await tell(socket, command, found, turn)


async def _move(
    socket: "ChatConsumer",
    identity: Identity,
    command: protocol.Heartbeat,
    found: catchup.Catchup,
    joined: Collection[str],
    newer: set[str],
    turn: Turn = nullcontext,
) -> catchup.Catchup:
    """Join and leave what `found` says, where the socket had `joined` others; what to tell then."""
    there = set(joined)
    missing = found.readable - there
    if missing:
        # The invitation was lost. Join now, and read again what may have happened meanwhile.
        await join(socket, missing)
        there |= missing
        newer.clear()
        found = await _read(identity, command, turn)
    if not command.partial:
        found.removed.extend(there - found.readable - set(found.removed))
    await _put_out(socket, found.removed, newer)
    return found


async def _look(
    identity: Identity,
    command: protocol.Heartbeat,
    turn: Turn,
    shared: Turn,
    *,
    joined: frozenset[str],
) -> catchup.Catchup | None:
    """What the device has missed; None where it knows all, and has joined all, there is."""
    if not command.versions:
        return await _read(identity, command, turn)
    around = None
    async with shared():
        if command.states:
            standing, around = await surroundings().of(identity.user.id)
        else:
            standing = await standings().of(str(identity.user.id))
    same_history = command.epoch == standing.epoch
    if same_history and around is not None and command.versions == standing.versions:
        return catchup.nothing_new(standing, around)
    if around is None and _knows(command, standing) and joined == standing.versions.keys():
        return None
    since = _since(identity, command)
    async with turn():
        return await in_database(since, same_history=same_history, standing=standing, around=around)


async def _read(identity: Identity, command: protocol.Heartbeat, turn: Turn) -> catchup.Catchup:
    """The same, read from the database from now on, whatever the device knows."""
    async with turn():
        standing = await standings().of(str(identity.user.id)) if command.versions else None
        same_history = standing is not None and command.epoch == standing.epoch
        since = _since(identity, command)
        return await in_database(since, same_history=same_history, standing=standing)


def _since(identity: Identity, command: protocol.Heartbeat) -> "partial[catchup.Catchup]":
    return partial(
        catchup.since,
        identity.user,
        command.versions,
        partial=command.partial,
        states=command.states,
    )


def _synced(ref: str | None) -> str:
    """The answer to most heartbeats."""
    return _NOTHING_NEW if ref is None else protocol.encode(protocol.Synced(ref=ref))


async def bring_in(socket: "ChatConsumer", identity: Identity, conversation_id: str) -> set[str]:
    """Join a conversation and send it whole; who is in it, where that is told."""
    await join(socket, [conversation_id])
    with _Joins(socket.joins) as newer:
        found = await in_database(
            catchup.since, identity.user, {conversation_id: 0}, same_history=False, partial=True
        )
        await _put_out(socket, found.removed, newer)
    return await tell(socket, protocol.Heartbeat(versions={}, partial=True), found)


class _Joins(set[str]):
    """The conversations that a socket joins from now on, until the end of the block."""

    __slots__ = ("_every",)

    def __init__(self, every: list[set[str]]) -> None:
        """Among `every` one of the socket's."""
        super().__init__()
        self._every = every
        every.append(self)

    def end(self) -> None:
        # By identity: another sync's may be equal.
        self._every[:] = [each for each in self._every if each is not self]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


async def _put_out(socket: "ChatConsumer", removed: Collection[str], newer: set[str]) -> None:
    """Take the socket out of what its person is no member of, unless an invitation is `newer`."""
    for conversation_id in removed:
        # Asked each time, as one may come while the socket leaves another conversation.
        if conversation_id not in newer:
            # Told first: what an invitation brings must come after it.
            socket.tell(protocol.ConversationRemoved(conversation=UUID(conversation_id)))
            await hub().leave(socket, groups.conversation(conversation_id))


async def tell(
    socket: "ChatConsumer",
    command: protocol.Heartbeat,
    found: catchup.Catchup,
    turn: Turn = nullcontext,
) -> set[str]:
    """Send a catch-up, reading each part only once the last is on its way; who is in all of it."""
    met: dict[str, set[str]] = {}
    for part in found.parts:
        async with turn():
            page = await in_database(catchup.page, part)
        met.update(page.acquaintances)
        socket.budget.charge(len(page.frames))
        for frame in page.frames:
            if not await _tell_frame(socket, frame):
                return set()
    joined = hub().conversations_of(socket)
    beside, acquaintances = _still_known(socket, joined, found, met)
    online = await presence.online_among(acquaintances) if command.states else set()
    # The same set for as long as nothing changes.
    if (now := hub().conversations_of(socket)) is not joined:
        beside, acquaintances = _still_known(socket, now, found, met)
    socket.tell(
        protocol.Synced(
            ref=command.ref,
            receipts=presenters.receipts(beside),
            online=presenters.people(online & acquaintances),
        )
    )
    return acquaintances


def _still_known(
    socket: "ChatConsumer",
    joined: frozenset[str],
    found: catchup.Catchup,
    met: Mapping[str, set[str]],
) -> tuple[Beside, set[str]]:
    """Who is beside the person, and who they are with, in what the socket is in now.

    Whoever was put out since something was read has heard so already, and shall not have it back.
    """
    beside = found.beside.without(found.readable - joined)
    people = beside.people.union(*(met[each] for each in met if each in joined))
    people.discard(socket.user_text)
    return beside, people


async def _tell_frame(socket: "ChatConsumer", frame: protocol.SyncFrame) -> bool:
    try:
        # However much there is to tell: only what comes live can be too much.
        await socket.outbound.room()
    except TimeoutError:
        await socket.end(Close.TOO_SLOW)
        return False
    # Whoever was put out since this was read has heard so already, and shall not have it back.
    if hub().is_in(socket, groups.conversation(frame.conversation)):
        metrics.SYNCS.labels("reset" if frame.reset else "changes").inc()
        socket.tell(frame)
    return True


async def join(socket: "ChatConsumer", conversations: Collection[str]) -> None:
    """Let the socket hear of these conversations from now on.

    When the person's own membership was read isn't known, so neither is whose had ended by then.
    """
    for newer in socket.joins:
        newer.update(conversations)
    await hub().join(socket, dict.fromkeys(map(groups.conversation, conversations), 0))
