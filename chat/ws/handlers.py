"""What each command does: parse is done, so one action and its answer."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from accounts.authentication import Identity, authenticate_token, claims_of
from accounts.errors import SessionRevoked
from chat import groups, limits, presence, presenters, protocol, queries
from chat.actions.presence import arrive, depart
from chat.actions.typing import set_typing
from chat.protocol import Close
from chat.ws import catching_up, posting
from chat.ws.crowd import crowd
from chat.ws.entrances import Admission, entrances
from chat.ws.hub import hub
from chat.ws.incoming import Work
from chat.ws.marks import mark_queue
from chat.ws.problems import tell_failure
from chat.ws.session import command_budget, same_session
from chat.ws.turns import Gone, begin_hello, catch_up_turns, turns
from pneumatic.lib import times, tracing
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import Invalid, RateLimited, Unauthenticated
from pneumatic.lib.http.doors import client_address
from pneumatic.lib.metrics import rate_limited
from pneumatic.lib.shared.ratelimit import rate_key, user_budget
from pneumatic.lib.shared.spending import aspend

if TYPE_CHECKING:
    from chat.ws.consumer import ChatConsumer

log = structlog.get_logger(__name__)


def is_answered_at_once(command: protocol.Command) -> bool:
    """Whether `answer_at_once` is for this: mostly nothing waits for it in a task."""
    return isinstance(command, protocol.Send) or type(command) in _AT_ONCE


def answer_at_once(socket: "ChatConsumer", command: protocol.Command) -> Work | None:
    """Do what the command of a signed-in device says, or say what is wrong with it.

    Returns what is left to be awaited for that.
    """
    try:
        if isinstance(command, protocol.Send):
            # Without a span: what is awaited has one, and where somebody traces, all of it is.
            return posting.begin_post(socket, command)
        with tracing.span("socket.frame", frame=str(command.__struct_config__.tag)):
            _AT_ONCE[type(command)](socket, command)
    except Exception as error:
        tell_failure(socket, command, error)
    return None


async def handle(socket: "ChatConsumer", command: protocol.AnyCommand | protocol.Heartbeat) -> None:
    """Do what the command says. Raises `ProblemError`s, which become `error` frames."""
    if socket.identity is None:
        if not isinstance(command, protocol.Hello):
            await socket.end(Close.UNAUTHENTICATED)
            return
        await _hello(socket, command)
        return
    if isinstance(command, protocol.Hello):
        raise Invalid("hello was said already.")
    _count(socket)
    await _HANDLERS[type(command)](socket, socket.identity, command)


def _count(socket: "ChatConsumer") -> None:
    if wait := socket.budget.wait():
        rate_limited("commands")
        raise RateLimited(retry_after=round(wait, 3))


# --- Opening ------------------------------------------------------------------------------------


async def _hello(socket: "ChatConsumer", command: protocol.Hello) -> None:
    socket.hello_came()
    try:
        await begin_hello(lambda: socket.is_gone)
        await _welcome(socket, command)
    except Gone:
        return  # And what it said after that comes to an end by itself.
    except Exception:
        # Half a welcome is none, and without a timer nothing would end it: let it begin anew.
        await socket.end(Close.TOO_SLOW)
        raise


async def _welcome(socket: "ChatConsumer", command: protocol.Hello) -> None:
    token = command.token or _bearer(socket.scope["headers"])
    try:
        if token is None:
            raise Unauthenticated
        claims = claims_of(token)
        # Before it is asked whether the session goes on: its end is heard of from here on.
        socket.named_session = claims.session_id
        hub().endings.expect(socket, claims.session_id)
        await hub().hear()
        async with turns().take(lambda: socket.is_gone, begun=False):
            admission = await entrances().of(claims)
        if isinstance(admission, Unauthenticated):
            raise admission
    except SessionRevoked:
        await socket.end(Close.REVOKED)
        return
    except Unauthenticated:
        # As a 401 over REST: out of the address's budget, so that guessing isn't free.
        wait = await aspend(user_budget(), rate_key(None, client_address(socket.scope)))
        await socket.end(Close.TOO_MANY if wait else Close.UNAUTHENTICATED)
        return
    identity = admission.identity
    user_text = str(identity.user.id)
    socket.budget = command_budget(user_text)
    if socket.budget.wait() or not await crowd().take_place(socket, user_text):
        await socket.end(Close.TOO_MANY)
        return
    socket.identity = identity
    socket.user_id, socket.session_id = identity.user.id, identity.session.id
    socket.user_text = user_text
    await _come_in(socket, admission, command)


async def _come_in(socket: "ChatConsumer", admission: Admission, command: protocol.Hello) -> None:
    identity, epoch, ended = admission
    hub().register(socket)
    socket.clock.start(identity.expires_at)
    socket.tell(
        protocol.Welcome(
            user=presenters.person(identity.user),
            session=identity.session.id,
            epoch=epoch,
            server_time=times.now(),
            token_expires_at=presenters.time(identity.expires_at),
            limits=limits.told_to_clients(),
        )
    )
    # Groups first, snapshot second: what happens between the two arrives twice rather than never.
    there = {groups.conversation(each): version for each, version in ended.items()}
    await hub().join(socket, {groups.user(socket.user_text): 0, **there})
    socket.ready = True
    sync = protocol.Sync(versions=command.versions, epoch=command.epoch, states=True).by_texts()
    shared, own = (
        partial(each.take, lambda: socket.is_gone, begun=True)
        for each in (turns(), catch_up_turns())
    )
    await catching_up.bring_up_to_date(socket, identity, sync, own, shared)
    if socket.is_gone:
        raise Gone
    circle = partial(_circle_of, socket, ended)
    await arrive(user_id=identity.user.id, device=socket.device, circle=circle)
    socket.arrived = True


def _circle_of(socket: "ChatConsumer", ended: Mapping[str, int]) -> dict[str, int]:
    """Where to tell that the socket's person is online: in what they are in now."""
    return {
        each: max(ended.get(each, 0), hub().ended_in(each))
        for each in queries.told_of(hub().conversations_of(socket))
    }


async def say_goodbye(socket: "ChatConsumer") -> None:
    """The device is gone; when it was the person's last, those who know them are told."""
    await depart(user_id=socket.user_id, device=socket.device)


async def bring_in(socket: "ChatConsumer", conversation_id: UUID) -> None:
    """The person has become a member: join the conversation and send it whole."""
    if socket.identity is None or not socket.ready or socket.is_gone:
        return
    try:
        met = await catching_up.bring_in(socket, socket.identity, str(conversation_id))
        # People who have met only now have not heard of each other's coming.
        for acquaintance in await presence.online_among(met):
            socket.tell(protocol.PresenceEvent(user=UUID(acquaintance), online=True))
    except Exception:
        # The conversation would be missing until the next heartbeat.
        log.warning("invitation_failed", exc_info=True)
        socket.tell(protocol.Resync())


# --- Commands -----------------------------------------------------------------------------------


async def _read(socket: "ChatConsumer", identity: Identity, command: protocol.Read) -> None:
    seq = command.seq
    await mark_queue().mark(identity.user, command.conversation, read=seq, delivered=seq)


async def _delivered(
    socket: "ChatConsumer", identity: Identity, command: protocol.Delivered
) -> None:
    await mark_queue().mark(identity.user, command.conversation, delivered=command.seq)


async def _typing(socket: "ChatConsumer", identity: Identity, command: protocol.Typing) -> None:
    await in_database(
        set_typing, user=identity.user, conversation_id=command.conversation, on=command.on
    )


async def _sync(socket: "ChatConsumer", identity: Identity, command: protocol.Sync) -> None:
    await catching_up.bring_up_to_date(socket, identity, command.by_texts())


async def _auth(socket: "ChatConsumer", identity: Identity, command: protocol.Auth) -> None:
    renewed = await in_database(authenticate_token, command.token)
    if not same_session(identity, renewed):
        raise Unauthenticated("The token belongs to another session.")
    socket.identity = renewed
    socket.clock.start(renewed.expires_at)
    socket.tell(
        protocol.Authed(ref=command.ref, token_expires_at=presenters.time(renewed.expires_at))
    )


def _ping(socket: "ChatConsumer", command: protocol.Ping) -> None:
    socket.tell(protocol.Pong(ref=command.ref, t=command.t, server_time=times.now()))


def _heartbeat(socket: "ChatConsumer", command: protocol.Heartbeat) -> None:
    _count(socket)
    catching_up.begin_heartbeat(socket, command)


_AT_ONCE: dict[type[protocol.Command], Callable[["ChatConsumer", Any], None]]
_AT_ONCE = {protocol.Ping: _ping, protocol.Heartbeat: _heartbeat}
_HANDLERS: dict[type[protocol.Command], Callable[["ChatConsumer", Identity, Any], Awaitable[None]]]
_HANDLERS = {
    protocol.Read: _read,
    protocol.Delivered: _delivered,
    protocol.Typing: _typing,
    protocol.Sync: _sync,
    protocol.Auth: _auth,
}


# --- Pieces -------------------------------------------------------------------------------------


def _bearer(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip().decode("latin-1")
    return None
