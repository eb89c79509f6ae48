"""One device: a socket that says frames and remembers whatever it hears."""

import asyncio
import contextlib
import json
import uuid
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from pneumatic.conformance import shapes
from pneumatic.conformance.clauses import PATIENCE, BrokenError
from pneumatic.conformance.known import Known

Frame = dict[str, Any]
SUBPROTOCOL: Final = "pneumatic.v1"
#: After the answer to a ping nothing more should come of this process; another may be slower.
_GRACE: Final = 0.3
_RATE_LIMIT_WAITS: Final = 6
#: Messages sent without a pause, before one keeps to `limits.frames_per_second`.
_BURST: Final = 40


class Device:
    """`waiting` holds what nobody asked for yet, `received` everything, batches taken apart."""

    #: Seconds that an answer may take.
    patience = PATIENCE

    def __init__(self, url: str, token: str | None, oddities: dict[str, None]) -> None:
        self.url = url
        self.token = token
        self.known = Known()
        self.waiting: list[Frame] = []
        self.received: list[Frame] = []
        self.batches = 0
        self.close_code: int | None = None
        self._oddities = oddities
        self._news = asyncio.Event()
        self._reads = asyncio.Event()
        self._reads.set()
        self._sent = 0
        self._frames_per_second = 10
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    # --- Opening and closing --------------------------------------------------------------------

    async def open(
        self,
        *,
        subprotocol: str | None = SUBPROTOCOL,
        origin: str | None = None,
        headers: dict[str, str] | None = None,
        max_queue: int = 64,
    ) -> None:
        """The handshake, and no word more. Raises `BrokenError` where the server refuses it."""
        try:
            self._connection = await connect(
                self.url,
                subprotocols=[Subprotocol(subprotocol)] if subprotocol else None,
                origin=Origin(origin) if origin else None,
                additional_headers=headers,
                compression=None,
                max_size=None,
                max_queue=max_queue,
                open_timeout=self.patience,
                close_timeout=2,
                ping_interval=None,
                proxy=None,
            )
        except (InvalidHandshake, OSError) as error:
            raise BrokenError(f"the handshake failed: {error!r}") from None
        self._reader = asyncio.create_task(self._read())

    async def hello(self, **fields: Any) -> Frame:
        """Say hello, take everything up to `synced`, return the welcome."""
        epoch, versions = self.known.position()
        hello = {"type": "hello", "token": self.token, "epoch": epoch, "versions": versions}
        await self.say(**{**hello, **fields})
        welcome = await self.expect("welcome")
        self._frames_per_second = welcome["limits"]["frames_per_second"]
        await self.expect("synced")
        return welcome

    def pause(self) -> None:
        """Read nothing more; what the server sends piles up on its side."""
        self._reads.clear()

    def resume(self) -> None:
        """Read again."""
        self._reads.set()

    async def close(self) -> None:
        """Go. Harmless when it is closed already."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                await self._connection.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    @property
    def subprotocol(self) -> str | None:
        return None if self._connection is None else self._connection.subprotocol

    # --- Saying ---------------------------------------------------------------------------------

    async def say(self, **frame: Any) -> None:
        """Send a frame; UUIDs are written as text."""
        await self.say_raw(json.dumps(frame, default=str))

    async def say_raw(self, content: str | bytes) -> None:
        """Send a text frame, or a binary one for bytes."""
        if self._connection is None:
            raise BrokenError("the socket was never opened")
        try:
            await self._connection.send(content)
        except ConnectionClosed:
            if self._reader is not None:
                await asyncio.wait({self._reader}, timeout=self.patience)
            raise BrokenError(f"the server closed the socket with {self.close_code}") from None

    async def ask(self, **frame: Any) -> Frame:
        """Send a frame and return what answers it: the first frame with its `ref`."""
        ref = str(frame.setdefault("ref", str(uuid.uuid4())))
        await self.say(**frame)
        return await self.answer(ref)

    async def answer(self, ref: str) -> Frame:
        """What answers the frame with this `ref`."""
        return await self._take(lambda frame: frame.get("ref") == ref, f"the answer to {ref}")

    async def send(self, conversation: str, body: str = "hello", **fields: Any) -> Frame:
        """Send a message and return its `ack`; keeps to the server's limits."""
        fields.setdefault("id", str(uuid.uuid4()))
        self._sent += 1
        if self._sent > _BURST:
            await asyncio.sleep(1.1 / self._frames_per_second)
        for _ in range(_RATE_LIMIT_WAITS):
            answer = await self.ask(
                type="message.send", conversation=conversation, body=body, **fields
            )
            if answer["type"] == "ack":
                return answer
            if answer.get("code") != "rate_limited":
                break
            await asyncio.sleep(float(answer["retry_after"]))
        raise BrokenError(f"message.send was answered with {answer}")

    async def sync(self, **fields: Any) -> list[Frame]:
        """Ask for what changed; returns the frames from the first to `synced`."""
        ref = str(uuid.uuid4())
        before = len(self.received)
        await self.say(
            **{"type": "sync", "versions": {}, "epoch": self.known.epoch, **fields}, ref=ref
        )
        await self._take(lambda frame: frame.get("ref") == ref, "synced")
        return self.received[before:]

    # --- Hearing --------------------------------------------------------------------------------

    async def expect(self, kind: str, *, seconds: float = 0, **fields: Any) -> Frame:
        """The next frame of this type with these values; raises `BrokenError` if none comes."""
        what = f"{kind} {fields}" if fields else kind
        return await self._take(lambda frame: _fits(frame, kind, fields), what, seconds)

    async def expect_close(self, seconds: float = 0) -> int:
        """The code with which the server closes; raises `BrokenError` if it doesn't."""
        seconds = seconds or self.patience
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=seconds)
        if self.close_code is None:
            raise BrokenError(f"the socket was still open after {seconds:g} s")
        return self.close_code

    async def refute(self, *kinds: str, **fields: Any) -> None:
        """No such frame waits, or comes before the answer to a ping and a moment more."""
        await self.ping()
        await asyncio.sleep(_GRACE)
        for frame in self.waiting:
            if any(_fits(frame, kind, fields) for kind in kinds):
                raise BrokenError(f"this should not have come: {str(frame)[:300]}")

    async def ping(self) -> None:
        """The socket lives; raises `BrokenError` where it doesn't."""
        answer = await self.ask(type="ping")
        if answer["type"] != "pong":
            raise BrokenError(f"ping was answered with {answer}")

    def heard(self, kind: str, **fields: Any) -> list[Frame]:
        """All such frames since the socket opened."""
        return [frame for frame in self.received if _fits(frame, kind, fields)]

    def forget(self) -> None:
        """What waits is of no more interest."""
        self.waiting.clear()

    async def _take(self, fits: Any, what: str, seconds: float = 0) -> Frame:
        seconds = seconds or self.patience
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for frame in self.waiting:
                        if fits(frame):
                            self.waiting.remove(frame)
                            return frame
                    if self.close_code is not None:
                        raise BrokenError(
                            f"waited for {what}; the server closed with {self.close_code}"
                        )
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise BrokenError(f"waited {seconds:g} s for {what}") from None

    async def _read(self) -> None:
        assert self._connection is not None  # noqa: S101 - open() made it
        try:
            async for raw in self._connection:
                self._took(raw)
                self._news.set()
                await self._reads.wait()
        except ConnectionClosed:
            pass
        finally:
            self.close_code = self._connection.close_code or 1006
            self._news.set()

    def _took(self, raw: str | bytes) -> None:
        if isinstance(raw, bytes):
            self._oddities["a binary frame"] = None
            return
        try:
            frame = json.loads(raw)
        except ValueError:
            self._oddities[f"a frame that is not JSON: {raw[:100]}"] = None
            return
        self._oddities.update(dict.fromkeys(shapes.odd(frame)))
        if not isinstance(frame, dict):
            return
        self.batches += frame.get("type") == "batch"
        for each in frame["events"] if frame.get("type") == "batch" else [frame]:
            self._oddities.update(dict.fromkeys(shapes.odd(each)))
            self.known.apply(each)
            self.waiting.append(each)
            self.received.append(each)


def _fits(frame: Frame, kind: str, fields: dict[str, Any]) -> bool:
    return frame.get("type") == kind and all(frame.get(n) == v for n, v in fields.items())
