"""One device's WebSocket: opening, frames in, texts out, closing. What frames do: handlers."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer

from accounts.authentication import Identity
from chat import limits, metrics, protocol
from chat.protocol import Close
from chat.ws import handlers, origin
from chat.ws.crowd import crowd
from chat.ws.draining import to_be_drained
from chat.ws.hub import hub
from chat.ws.incoming import Incoming, Work
from chat.ws.leaving import leaving
from chat.ws.outbound import Outbound
from chat.ws.problems import error_event, tell_failure
from chat.ws.session import CommandBudget, Pace, TokenClock
from pneumatic.lib import tracing
from pneumatic.lib.errors import Invalid
from pneumatic.lib.http.doors import client_address
from pneumatic.lib.ids import uuid7
from pneumatic.lib.metrics import rate_limited
from pneumatic.lib.realtime.readyframes import line_of
from pneumatic.lib.shared.ratelimit import address_key

log = structlog.get_logger(__name__)
#: How long a socket of a stopping process may take for its last answers.
_LAST_WORDS_SECONDS = 4.5


class ChatConsumer(AsyncWebsocketConsumer):
    """Speaks `pneumatic.v1` with one device."""

    # No channel and no groups of its own: the hub has them for all sockets of the process.
    channel_layer_alias = ""

    user_id: UUID
    user_text: str
    session_id: UUID
    budget: CommandBudget

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.device = str(uuid7())
        self.identity: Identity | None = None
        #: What its token said, whether or not that was true.
        self.named_session: UUID | None = None
        self.scope = scope
        self.base_send = send
        line = line_of(scope)
        self.outbound = Outbound(self._send_text, self.spawn, self._too_slow, line)
        self.clock = TokenClock(self._token_expiring, self._token_expired)
        self.ready = self.arrived = False
        #: One for each sync that is being read: what this socket has joined since.
        self.joins: list[set[str]] = []
        self._pace = Pace()
        self._bad_frames = 0
        self._frames = 0
        self._opened = time.monotonic()
        self._close_code: int | None = None
        self._retiring = False
        self._retired: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        # Nobody takes what waits for a device that is gone.
        self.incoming = Incoming(self._begin, self.spawn, self.outbound.close)
        metrics.SOCKETS.inc()
        try:
            # Not Channels' own loop: it makes a task for each message, and hops through a database
            # thread for it.
            with to_be_drained(self):
                ending = await self.incoming.run(receive, line)
            if self._close_code is None:
                self._close_code = ending.get("code", 1006)
        finally:
            # Here and not in disconnect(), which Channels skips after an exception.
            metrics.SOCKETS.dec()
            await self._clean_up()

    def _begin(self, message: dict[str, Any]) -> Work | None:
        """Answer a message, or return what is still to be done for that."""
        try:
            match message["type"]:
                case "websocket.receive":
                    work = self._hear(message.get("text"))
                case "websocket.connect":
                    work = self.connect
                case "chat.retire":
                    work = self._retire
                case _:
                    return None
        except Exception:
            log.info("socket_failed", doing=message["type"], exc_info=True)
            work = partial(self.end, Close.TOO_SLOW)
        return None if work is None else partial(self._work, message["type"], work)

    async def _work(self, doing: str, work: Work) -> None:
        try:
            await work()
        except Exception:
            # Mostly the peer, gone in the middle of the handshake. If it was us: it may come again.
            log.info("socket_failed", doing=doing, exc_info=True)
            await self.end(Close.TOO_SLOW)

    async def _retire(self) -> None:
        self._retiring = True
        await self.outbound.flush()
        if self._retired is not None:
            self._retired.set()

    # --- Frames in ------------------------------------------------------------------------------

    async def connect(self) -> None:
        offered = self.scope.get("subprotocols", [])
        ours = protocol.SUBPROTOCOL in offered
        await self.accept(protocol.SUBPROTOCOL if ours else None)
        address = address_key(client_address(self.scope))
        if not origin.is_allowed(self.scope):
            await self.end(Close.NOT_ALLOWED)
        elif not crowd().enter(self, address):
            await self.end(Close.TOO_MANY)
        elif offered and not ours:
            await self.end(Close.BROKEN_CLIENT)
        else:
            timers = asyncio.get_running_loop()
            self._hello_timer = timers.call_later(limits.HELLO_SECONDS, self._too_slow)

    def _hear(self, text: str | None) -> Work | None:
        """What is to be done for a frame, unless it was done at once; None is no text."""
        if self._close_code is not None or self._retiring:
            return None
        if not self._pace.allows(asyncio.get_running_loop().time()):
            rate_limited("socket")
            return partial(self.end, Close.TOO_MANY)
        self._frames += 1
        if text is None:
            return self._bad_frame(protocol.BadFrame("Only text frames are understood."))
        if len(text) > limits.FRAME_BYTES or (
            not text.isascii() and len(text.encode()) > limits.FRAME_BYTES
        ):
            return partial(self.end, Close.BROKEN_CLIENT)
        try:
            command = protocol.decode(text, hub().conversations_of(self))
        except protocol.BadFrame as bad:
            return self._bad_frame(bad)
        metrics.frames_of(str(command.__struct_config__.tag)).inc()
        if self.identity is not None and handlers.is_answered_at_once(command):
            rest = handlers.answer_at_once(self, command)
            return None if rest is None else partial(self._handle, command, rest)
        return partial(self._handle, command, partial(handlers.handle, self, command))

    def go_on(self, command: protocol.Command, work: Work) -> None:
        """Do in a task what is left of a command that was held."""
        rest = partial(self._handle, command, work)
        self.incoming.release(partial(self._work, "websocket.receive", rest))

    async def _handle(self, command: protocol.Command, work: Work) -> None:
        try:
            with tracing.span("socket.frame", frame=str(command.__struct_config__.tag)):
                await work()
        except Exception as error:
            tell_failure(self, command, error)

    def _bad_frame(self, bad: protocol.BadFrame) -> Work | None:
        self._bad_frames += 1
        if self._bad_frames > limits.BAD_FRAMES:
            return partial(self.end, Close.BROKEN_CLIENT)
        fields = {bad.field: [bad.detail]} if bad.field else None
        self.tell(error_event(Invalid(bad.detail, fields=fields), bad.ref))
        return None

    # --- Texts out ------------------------------------------------------------------------------

    def tell(self, event: protocol.Event) -> None:
        """Queue an event for this device alone."""
        self.outbound.offer(protocol.encode(event))

    async def _send_text(self, text: str) -> None:
        await super().send(text_data=text)

    # --- What the hub and the clocks say --------------------------------------------------------

    def invited(self, conversation_id: UUID) -> None:
        self.spawn(handlers.bring_in(self, conversation_id))

    def revoked(self) -> None:
        self.end_soon(Close.REVOKED)

    async def retire(self) -> None:
        self._retired = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self.incoming.put({"type": "chat.retire"})
                await self._retired.wait()
        await self.end(Close.RESTARTING)

    @property
    def is_gone(self) -> bool:
        """Nobody is there any more to hear an answer, or is to have one."""
        return self.incoming.ended or self._close_code is not None

    def hello_came(self) -> None:
        """In time; how long its answer takes is not the device's fault."""
        self._hello_timer.cancel()
        crowd().spoke(self)

    def _too_slow(self) -> None:
        self.end_soon(Close.TOO_SLOW)

    def _token_expiring(self, seconds: int) -> None:
        self.tell(protocol.AuthExpiring(seconds=seconds))

    def _token_expired(self) -> None:
        self.end_soon(Close.UNAUTHENTICATED)

    # --- The end --------------------------------------------------------------------------------

    def end_soon(self, code: Close) -> None:
        self.spawn(self.end(code))

    async def end(self, code: Close) -> None:
        """Close with `code`; what waits to be sent is dropped."""
        if self._close_code is not None:
            return
        self._close_code = code
        self.outbound.close()
        try:
            # A plain number: Daphne takes no other kind of integer.
            await self.close(code=int(code))
        except Exception as error:
            # The peer may be gone already: then there is nobody to tell.
            log.info("socket_not_closed", code=int(code), error=repr(error))

    async def _clean_up(self) -> None:
        timer: asyncio.TimerHandle | None = getattr(self, "_hello_timer", None)
        if timer is not None:
            timer.cancel()
        if self._retired is not None:
            self._retired.set()
        self.clock.stop()
        if (budget := getattr(self, "budget", None)) is not None:
            budget.keep()
        self.outbound.close()
        if self._tasks:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        # At once: who isn't here any more is not renewed, however long leaving takes, and the
        # device that comes back shall not be one too many.
        self.arrived = False
        await crowd().leave(self)
        if self.named_session is not None:
            hub().endings.forget(self, self.named_session)
        if self.identity is not None:
            # First: who is renewed while the goodbye is under way would be taken for back again.
            try:
                await leaving().leave(self)
            finally:
                await handlers.say_goodbye(self)
        code = self._close_code if self._close_code is not None else 1006
        metrics.SOCKET_CLOSES.labels(int(code)).inc()
        log.info(
            "socket",
            user=self.user_text if self.identity else None,
            session=str(self.session_id) if self.identity else None,
            address=client_address(self.scope),
            frames=self._frames,
            seconds=round(time.monotonic() - self._opened, 3),
            code=int(code),
        )

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run beside the frames, at most as long as the socket lives."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            # Mostly the peer that went away in the middle of a frame.
            log.info("socket_task_failed", error=repr(error))
