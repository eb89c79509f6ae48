import asyncio
import json

import pytest

from chat import limits
from chat.ws.outbound import Outbound


class Reader:
    """A peer that reads when it is told to."""

    def __init__(self) -> None:
        self.frames: list[str] = []
        self.reads = asyncio.Event()
        self.overflowed = 0
        self.outbound = Outbound(self._send, self._overflow)

    async def _send(self, text: str) -> None:
        await self.reads.wait()
        self.frames.append(text)

    def _overflow(self) -> None:
        self.overflowed += 1

    async def read_all(self) -> list[str]:
        """Everything that waits, event by event."""
        self.reads.set()
        task = asyncio.create_task(self.outbound.run())
        while self.outbound._waiting or not self.frames:  # noqa: ASYNC110
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        frames = [json.loads(frame) for frame in self.frames]
        return [json.dumps(event) for frame in frames for event in frame.get("events", [frame])]


@pytest.mark.asyncio
async def test_what_waits_goes_out_in_order_in_few_frames() -> None:
    reader = Reader()
    for number in range(50):
        reader.outbound.offer(f'{{"n": {number}}}')
    assert await reader.read_all() == [f'{{"n": {number}}}' for number in range(50)]
    assert len(reader.frames) == 1


@pytest.mark.asyncio
async def test_a_state_is_replaced_by_its_successor_and_keeps_its_place() -> None:
    reader = Reader()
    reader.outbound.offer('{"seq": 1}', key="bob")
    reader.outbound.offer('{"n": 1}')
    reader.outbound.offer('{"seq": 2}', key="bob")
    reader.outbound.offer('{"seq": 9}', key="alice")
    assert await reader.read_all() == ['{"seq": 2}', '{"n": 1}', '{"seq": 9}']


@pytest.mark.asyncio
async def test_typing_and_presence_are_left_out_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OUTBOUND_BYTES", 40)
    reader = Reader()
    reader.outbound.offer('{"typing": 1}', droppable=True)
    reader.outbound.offer('{"message": 1}')
    reader.outbound.offer('{"typing": 2}', droppable=True)
    reader.outbound.offer('{"m": 2}')
    assert reader.overflowed == 0
    assert await reader.read_all() == ['{"typing": 1}', '{"message": 1}', '{"m": 2}']


@pytest.mark.asyncio
async def test_a_full_queue_overflows_once_and_takes_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "OUTBOUND_FRAMES", 3)
    reader = Reader()
    for _ in range(10):
        reader.outbound.offer("{}")
    assert reader.overflowed == 1
    assert not reader.outbound._waiting
