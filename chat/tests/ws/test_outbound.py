"""The way out, on a server that takes ready frames and on one that doesn't."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from websockets.frames import Frame, Opcode

from chat import limits
from chat.ws.outbound import Outbound
from pneumatic.lib.realtime.readyframes import Line, text_frame


class Reader:
    """A peer that reads when it is told to."""

    def __init__(self, *, ready_frames: bool) -> None:
        self.frames: list[str] = []
        self.reads = asyncio.Event()
        self.overflowed = 0
        self.tasks: list[asyncio.Task[None]] = []
        #: Frames that the line takes before it is full, until the peer reads again.
        self.takes = 0
        self._watcher: Callable[[bool | None], None] = lambda takes: None
        line = (
            Line(write=self._write, watch=self._watch, listen=lambda _: None)
            if ready_frames
            else None
        )
        self.outbound = Outbound(self._send, self._spawn, self._overflow, line)

    def _spawn(self, coroutine: object) -> None:
        self.tasks.append(asyncio.ensure_future(coroutine))  # type: ignore[call-overload]

    async def _send(self, text: str) -> None:
        await self.reads.wait()
        self.frames.append(text)

    def _watch(self, changed: Callable[[bool | None], None]) -> None:
        self._watcher = changed
        changed(self.takes > 0)

    def _write(self, frame: bytes) -> None:
        assert self.takes > 0, "written to a line that takes nothing"
        self.frames.append(text_of(frame))
        self.takes -= 1
        if self.takes == 0:
            self._watcher(False)

    def _overflow(self) -> None:
        self.overflowed += 1

    async def read_all(self) -> list[str]:
        """Everything that waits, event by event."""
        self.reads.set()
        self.takes = 1_000
        self._watcher(True)
        async with asyncio.timeout(10):
            await self.outbound.flush()
        frames = [json.loads(frame) for frame in self.frames]
        return [json.dumps(event) for frame in frames for event in frame.get("events", [frame])]


def text_of(frame: bytes) -> str:
    """The text of a frame, read by the rules of RFC 6455 alone."""
    assert frame[0] == 0x81
    length, start = frame[1], 2
    if length == 126:
        length, start = int.from_bytes(frame[2:4]), 4
    elif length == 127:
        length, start = int.from_bytes(frame[2:10]), 10
    assert len(frame) == start + length
    return frame[start:].decode()


@pytest_asyncio.fixture(params=[True, False], ids=["ready frames", "ordinary"])
async def reader(request: pytest.FixtureRequest) -> AsyncIterator[Reader]:
    reader = Reader(ready_frames=request.param)
    yield reader
    for task in reader.tasks:
        task.cancel()
    await asyncio.gather(*reader.tasks, return_exceptions=True)


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_a_ready_frame_is_what_the_library_would_send(length: int) -> None:
    text = "ü" * (length // 2) + "u" * (length % 2)
    assert text_frame(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
    assert text_of(text_frame(text)) == text


@pytest.mark.asyncio
async def test_who_keeps_up_is_written_to_at_once() -> None:
    reader = Reader(ready_frames=True)
    free = [reader.outbound.is_free]
    reader.takes = 2
    reader._watcher(True)
    free.append(reader.outbound.is_free)
    assert free == [False, True]
    reader.outbound.offer('{"n": 1}')
    assert reader.frames == ['{"n": 1}']
    assert not reader.tasks


@pytest.mark.asyncio
async def test_what_had_to_wait_goes_before_what_comes_then() -> None:
    reader = Reader(ready_frames=True)
    reader.takes = 1
    reader._watcher(True)
    for number in range(3):
        reader.outbound.offer(f'{{"n": {number}}}')
    assert reader.frames == ['{"n": 0}']
    reader.takes = 2
    reader._watcher(True)
    reader.outbound.offer('{"n": 3}')
    assert await reader.read_all() == [f'{{"n": {number}}}' for number in range(4)]
    assert len(reader.frames) == 3


@pytest.mark.asyncio
async def test_a_line_that_fills_while_the_queue_is_written_keeps_the_rest_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chat.ws.outbound._BATCH", 1)
    reader = Reader(ready_frames=True)
    for number in range(5):
        reader.outbound.offer(f'{{"n": {number}}}')
    reader.takes = 2
    reader._watcher(True)
    assert (len(reader.frames), reader.outbound.is_free) == (2, False)
    reader.outbound.offer('{"n": 5}')
    assert await reader.read_all() == [f'{{"n": {number}}}' for number in range(6)]
    assert reader.outbound.is_free


@pytest.mark.asyncio
async def test_a_text_that_is_longer_than_the_bound_by_itself_ends_nobody(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OUTBOUND_BYTES", 100)
    long = json.dumps({"text": "x" * 500})
    reader.outbound.offer(long)
    assert reader.overflowed == 0
    assert await reader.read_all() == [long]
    reader.reads.clear()
    reader.takes = 0
    reader._watcher(False)
    reader.outbound.offer(long)
    reader.outbound.offer(long)
    assert reader.overflowed == 1


@pytest.mark.asyncio
async def test_nothing_is_written_once_it_is_closed(reader: Reader) -> None:
    reader.outbound.offer('{"n": 1}')
    reader.outbound.close()
    reader.outbound.offer('{"n": 2}')
    assert await reader.read_all() == []
    reader.outbound.offer('{"n": 3}')
    assert not reader.frames


@pytest.mark.asyncio
async def test_what_is_long_waits_for_room(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OUTBOUND_FRAMES", 8)
    await reader.outbound.room()
    reader.outbound.offer("{}")
    await asyncio.sleep(0)  # The ordinary way has one on the wire now.
    for _ in range(3):
        reader.outbound.offer("{}")
    waiting = asyncio.ensure_future(reader.outbound.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    await reader.read_all()
    await waiting


@pytest.mark.asyncio
async def test_nobody_waits_for_room_on_a_line_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "OUTBOUND_FRAMES", 8)
    reader = Reader(ready_frames=True)
    for _ in range(4):
        reader.outbound.offer("{}")
    waiting = asyncio.ensure_future(reader.outbound.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    reader._watcher(None)
    async with asyncio.timeout(10):
        await waiting
    for _ in range(20):
        reader.outbound.offer("{}")
    assert reader.overflowed == 0, "it is not slow, it is gone"
    assert not reader.frames


@pytest.mark.asyncio
async def test_what_waits_goes_out_in_order_in_few_frames(
    reader: Reader,
) -> None:
    for number in range(50):
        reader.outbound.offer(f'{{"n": {number}}}')
    assert await reader.read_all() == [f'{{"n": {number}}}' for number in range(50)]
    assert len(reader.frames) == 1


@pytest.mark.asyncio
async def test_a_state_is_replaced_by_its_successor_and_keeps_its_place(
    reader: Reader,
) -> None:
    reader.outbound.offer('{"seq": 1}', key="bob")
    reader.outbound.offer('{"n": 1}')
    reader.outbound.offer('{"seq": 2}', key="bob")
    reader.outbound.offer('{"seq": 9}', key="alice")
    assert await reader.read_all() == ['{"seq": 2}', '{"n": 1}', '{"seq": 9}']


@pytest.mark.asyncio
async def test_typing_and_presence_are_left_out_first(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OUTBOUND_BYTES", 40)
    reader.outbound.offer('{"typing": 1}', droppable=True)
    reader.outbound.offer('{"message": 1}')
    reader.outbound.offer('{"typing": 2}', droppable=True)
    reader.outbound.offer('{"m": 2}')
    assert reader.overflowed == 0
    assert await reader.read_all() == ['{"typing": 1}', '{"message": 1}', '{"m": 2}']


@pytest.mark.asyncio
async def test_a_full_queue_overflows_once_and_takes_nothing_more(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OUTBOUND_FRAMES", 3)
    for _ in range(10):
        reader.outbound.offer("{}")
    assert reader.overflowed == 1
    assert await reader.read_all() == []
