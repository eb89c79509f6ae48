"""An honest device: it speaks `pneumatic.v1` as docs/protocol.md asks, and writes it all down."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from pneumatic.proof.gaps import Gaps, RowPool
from pneumatic.proof.history import now
from pneumatic.proof.mirror import Frame, Mirror
from pneumatic.proof.notes import Notes
from pneumatic.proof.outbox import Letter, Outbox, Pace
from pneumatic.proof.session import Session
from pneumatic.proof.sockets import Doors, dial

_TICK_SECONDS = 0.25
_SYSTEM_CLOSES = {1012, 4012}
#: The `ref` of a token that is renewed on the open socket.
_RENEWAL = "renewal"


class Device:
    """One device of a person. `live` runs until `stop`; what it knows is in `mirror`."""

    def __init__(
        self,
        *,
        name: str,
        person: str,
        session: Session,
        doors: Callable[[], int],
        notes: Notes,
        pool: RowPool,
        pace: Pace,
        rng: random.Random,
    ) -> None:
        self.name = name
        self.person = person
        self.session = session
        self.notes = notes
        self.pace = pace
        self.mirror = Mirror()
        self.outbox = Outbox(patience=2 * pace.heartbeat)
        #: Whether it has said hello and got everything.
        self.ready = asyncio.Event()
        #: Called with each letter that leaves: faults send it by other ways too.
        self.echo: Callable[[Device, Letter], None] | None = None
        #: Called with a conversation that was taken away.
        self.removed: Callable[[Device, str], None] | None = None
        #: The newest of its own messages that are stored: conversation and id.
        self.acked: deque[tuple[str, str]] = deque(maxlen=20)
        self.door = 0
        self.stopped_by = 0
        self._doors = Doors(doors)
        self._rng = rng
        self._socket: ClientConnection | None = None
        self._leaving: asyncio.Queue[str] = asyncio.Queue()
        self._heard = 0.0
        self._stopping = False
        #: Whether it was this device that ended the connection.
        self._ended_it = False
        self._tasks: list[asyncio.Task[None]] = []
        self._gaps = Gaps(self.mirror, self.sync)
        self._pool = pool
        #: The newest place of each conversation that a message came from.
        self.newest: dict[str, int] = {}

    @property
    def port(self) -> int | None:
        """The local port of the open socket, by which a proxy knows it."""
        return None if self._socket is None else int(self._socket.local_address[1])

    # --- Coming and going -----------------------------------------------------------------------

    async def live(self) -> None:
        """Connect, and come back whenever the connection ends."""
        failures = 0
        while not self._stopping:
            code = await self._connect()
            failures = 0 if self.ready.is_set() else failures + 1
            self.ready.clear()
            self.outbox.disconnected()
            if code >= 4500:
                self.stopped_by = code
                return
            # A server that restarts sends everybody away at once: they must not return at once.
            longest = 3.0 if code in _SYSTEM_CLOSES else self.pace.backoff_base * 2**failures
            await asyncio.sleep(self._rng.uniform(0, min(longest, self.pace.backoff)))

    async def stop(self) -> None:
        self._stopping = self._ended_it = True
        if self._socket is not None:
            await self._socket.close()

    async def _connect(self) -> int:
        """One connection from beginning to end; returns its close code, 1006 without one."""
        door = self._doors.pick()
        token = await self.session.token()
        if token is None:
            return 4501 if self.session.refused else 1006
        try:
            socket = await dial(door)
        except (OSError, WebSocketException, TimeoutError):
            self._doors.closed = door
            return 1006
        self.door = door
        self.notes.write("open", door=door)
        self._socket, self._leaving, self._heard = socket, asyncio.Queue(), now()
        self._ended_it = self._stopping
        epoch, versions = self.mirror.position()
        self.say({"type": "hello", "token": token, "epoch": epoch, "versions": versions})
        self._spawn(self._write(socket))
        self._spawn(self._beat(socket))
        try:
            async for text in socket:
                self._take(msgspec.json.decode(text))
        except WebSocketException:
            pass  # An end without a handshake; the code below says so.
        finally:
            self._socket = None
            for task in self._tasks:
                task.cancel()
            self._gaps.forget()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()
        code = socket.close_code or 1006
        self.notes.write("close", code=code, door=door, mine=self._ended_it)
        if code == 4401:
            await self.session.renew()
        return code

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run for as long as the connection is open, at most."""
        self._tasks.append(asyncio.create_task(work))

    # --- Saying ---------------------------------------------------------------------------------

    def say(self, frame: Frame) -> bool:
        """Send a frame on the open socket; False where there is none."""
        if self._socket is None:
            return False
        self._leaving.put_nowait(msgspec.json.encode(frame).decode())
        return True

    def compose(self, conversation: str, words: str) -> Letter:
        """Write a message; it leaves as soon as it may."""
        letter = Letter(conversation, words)
        self.outbox.put(letter)
        self._send_due()
        return letter

    def send(self, letter: Letter, via: str) -> None:
        """Send a letter on the open socket, whoever's it is."""
        frame = {
            "type": "message.send",
            "id": letter.id,
            "conversation": letter.conversation,
            "body": letter.body,
            "ref": letter.id,
        }
        if self.say(frame):
            self.notes.sent(letter.id, letter.conversation, via)

    def sync(self, conversation: str | None = None) -> None:
        """Ask for what is new; of one conversation, or of all."""
        epoch, versions = self.mirror.position()
        if conversation is None:
            self.say({"type": "sync", "epoch": epoch, "versions": versions})
        elif conversation in versions:
            only = {conversation: versions[conversation]}
            self.say({"type": "sync", "epoch": epoch, "versions": only, "partial": True})

    def conversations(self) -> list[str]:
        return list(self.mirror.position()[1])

    def read_something(self) -> None:
        """Say how far two conversations have come: read one, have the other, and begin to write."""
        known = [each for each in self.conversations() if each in self.newest]
        if known:
            for kind in ("read", "delivered"):
                conversation = self._rng.choice(known)
                seq = self.newest[conversation]
                self.say({"type": kind, "conversation": conversation, "seq": seq})
            self.say({"type": "typing", "conversation": self._rng.choice(known), "on": True})

    async def _renew(self) -> None:
        """A new token on the open socket, before the old one ends."""
        token = await self.session.renewed()
        if token is not None:
            self.say({"type": "auth", "token": token, "ref": _RENEWAL})

    def _send_due(self) -> None:
        if not self.ready.is_set():
            return
        for letter in self.outbox.due():
            self.send(letter, "socket")
            if self.echo is not None:
                self.echo(self, letter)

    async def _write(self, socket: ClientConnection) -> None:
        leaving = self._leaving
        with suppress(WebSocketException):
            while True:
                await socket.send(await leaving.get())

    async def _beat(self, socket: ClientConnection) -> None:
        next_beat = now() + self._rng.uniform(0, self.pace.heartbeat)
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self._send_due()
            if now() - self._heard > 2 * self.pace.heartbeat:
                self.notes.write("gave up")
                self._ended_it = True
                socket.transport.abort()
                return
            if self.ready.is_set() and now() >= next_beat:
                next_beat = now() + self.pace.heartbeat
                self.say({"type": "ping"})
                self.sync()
                self.read_something()

    # --- Hearing --------------------------------------------------------------------------------

    def _take(self, frame: Frame) -> None:
        self._heard = now()
        for event in frame["events"] if frame["type"] == "batch" else [frame]:
            self._event(event)

    def _event(self, event: Frame) -> None:
        match event["type"]:
            case "message" | "member" | "conversation" | "sync":
                self._rows(event)
                return
            case "ack":
                self._acked(event)
            case "error":
                self._refused(event)
            case "synced":
                if not self.ready.is_set():
                    self.ready.set()
                    self._send_due()
            case "receipt":
                self.notes.position(event)
            case "auth.expiring":
                self._spawn(self._renew())
            case "authed":
                self.notes.write("authed")
            case "resync":
                self.notes.write("resync")
                self.sync()
            case "conversation.removed":
                self.notes.write("out", c=event["conversation"])
                if self.removed is not None:
                    self.removed(self, event["conversation"])
        self.mirror.apply(event)

    def _rows(self, event: Frame) -> None:
        conversation = event["conversation"]
        before = self.mirror.conversations.get(conversation)
        held = before.messages if before else {}
        messages: list[Frame] = []
        if event["type"] == "message":
            event["data"] = self._pool.share(event["data"])
            messages = [event["data"]]
        elif event["type"] == "sync":
            event["messages"] = messages = [self._pool.share(row) for row in event["messages"]]
        had = {row["id"] for row in messages if row["id"] in held}
        for row in messages:
            self.newest[conversation] = max(self.newest.get(conversation, 0), row["seq"])
        self.mirror.apply(event)
        self.notes.rows(event, had=had, known=self.mirror.conversations[conversation].known)
        self._gaps.mind(conversation)

    def _acked(self, event: Frame) -> None:
        self.notes.ack(event, "socket")
        if self.outbox.answer(event["id"]):
            self.acked.append((event["conversation"], event["id"]))
        self._send_due()

    def _refused(self, event: Frame) -> None:
        letter = event.get("ref")
        if letter == _RENEWAL:
            self.notes.write("error", code=event["code"])
            self._spawn(self._renew())
        elif letter is None:
            self.notes.write("error", code=event["code"])
        elif event["code"] in {"unavailable", "rate_limited"}:
            self.notes.write("later", id=letter, code=event["code"])
            self.outbox.later(letter, self._rng.uniform(0.5, 1) * (event.get("retry_after") or 1))
        else:
            self.notes.write("refused", id=letter, code=event["code"])
            self.outbox.answer(letter)
            self._send_due()
