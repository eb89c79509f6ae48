"""What a device sends is answered in its order, whichever way the server hands it over."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from chat.ws import incoming
from chat.ws.incoming import Incoming, Work
from pneumatic.lib.realtime.readyframes import Line

pytestmark = pytest.mark.asyncio
_whose = ContextVar("whose", default="nobody's")


class Conversation:
    """An `Incoming` with a server that hands over at once what it may, and a gate for answers."""

    def __init__(self) -> None:
        self.begun, self.whose = list[str](), set[str]()
        self.hurries = list[str]()
        self.gate = asyncio.Event()
        self.tasks = set[asyncio.Task[None]]()
        self._take: Callable[[Any], bool] | None = None
        self._received = deque[dict[str, Any]]()
        self._coming = asyncio.Event()
        self.incoming = Incoming(self._begin, self._spawn, lambda: None)
        line = Line(write=lambda _: None, watch=lambda _: None, listen=self._listen)
        self.reading = asyncio.create_task(self.incoming.run(self._receive, line))

    def _listen(self, take: Callable[[Any], bool] | None) -> None:
        self._take = take

    async def _receive(self) -> dict[str, Any]:
        while not self._received:
            self._coming.clear()
            await self._coming.wait()
        return self._received.popleft()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        return task

    def _begin(self, message: dict[str, Any]) -> Work | None:
        self.begun.append(message["text"])
        self.whose.add(_whose.get())
        if message["text"].startswith("held"):
            self.incoming.hold(lambda: self.hurries.append("hurry"))
            return None
        return None if message["text"].startswith("quick") else self._answer

    async def _answer(self) -> None:
        await self.gate.wait()

    def say(self, text: str, kind: str = "websocket.receive") -> bool:
        """As the server does it; whether it was taken at once."""
        message = {"type": kind, "text": text}
        is_next = kind == "websocket.receive" and not self._received
        if is_next and self._take is not None and self._take(message):
            return True
        self._received.append(message)
        self._coming.set()
        return False

    async def end(self) -> None:
        self.gate.set()
        self.say("", "websocket.disconnect")
        async with asyncio.timeout(5):
            await self.reading


async def test_what_is_read_is_begun_before_the_event_loop_turns() -> None:
    device = Conversation()
    await asyncio.sleep(0)
    assert device.say("quick one")
    assert device.begun == ["quick one"]
    assert device.say("slow")
    assert device.say("quick behind it")
    assert device.begun == ["quick one", "slow"]
    await device.end()
    assert device.begun == ["quick one", "slow", "quick behind it"]


async def test_it_is_begun_in_the_context_of_its_reader() -> None:
    _whose.set("alice's")
    device = Conversation()
    await asyncio.sleep(0)
    _whose.set("the server's")
    device.say("quick")
    await device.end()
    assert device.whose == {"alice's"}


async def test_nothing_overtakes_what_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "_AHEAD", 2)
    device = Conversation()
    await asyncio.sleep(0)
    # One is being answered, two wait for that, and the last is in its reader's hand.
    texts = [f"slow {number}" for number in range(4)]
    assert [device.say(text) for text in texts] == [True, True, True, False]
    for _ in range(3):
        await asyncio.sleep(0)
    device.gate.set()
    # There is room from now on, which the reader has yet to hear of.
    for number in range(4, 20):
        await asyncio.sleep(0)
        texts.append(f"slow {number}")
        device.say(texts[-1])
    await device.end()
    assert device.begun == texts


async def test_after_its_end_nobody_listens() -> None:
    device = Conversation()
    await asyncio.sleep(0)
    await device.end()
    assert device._take is None
    assert not device.say("slow")


async def test_nothing_is_begun_before_what_is_held_is_released() -> None:
    device = Conversation()
    await asyncio.sleep(0)
    device.say("held")
    assert device.hurries == []
    assert device.say("quick one")
    await device.incoming.put({"type": "websocket.receive", "text": "quick two"})
    assert len(device.hurries) == 2
    await asyncio.sleep(0)
    assert device.begun == ["held"]
    device.incoming.release(device._answer)
    device.say("quick three")
    assert len(device.hurries) == 2, "nobody is to hurry any more"
    await asyncio.sleep(0)
    assert device.begun == ["held"], "the rest of it comes first"
    await device.end()
    assert device.begun == ["held", "quick one", "quick two", "quick three"]


async def test_what_is_held_and_has_nothing_behind_it_needs_no_task() -> None:
    device = Conversation()
    await asyncio.sleep(0)
    for _ in range(2):
        device.say("held")
        device.incoming.release()
        device.say("quick")
    assert device.begun == ["held", "quick"] * 2
    assert not device.tasks
    await device.end()


async def test_what_is_held_among_what_waited_holds_up_the_rest() -> None:
    device = Conversation()
    await asyncio.sleep(0)
    texts = ["slow", "held", "quick one", "held again", "quick two"]
    for text in texts:
        device.say(text)
    device.gate.set()
    for so_far in (2, 4):
        await asyncio.wait(device.tasks)
        assert device.begun == texts[:so_far]
        assert device.hurries, "as others wait for it"
        device.hurries.clear()
        device.say("quick behind all")
        assert len(device.begun) == so_far
        device.incoming.release()
    await device.end()
    assert device.begun == [*texts, "quick behind all", "quick behind all"]


async def test_who_is_gone_has_all_answered_that_was_said_before() -> None:
    device = Conversation()
    await asyncio.sleep(0)
    device.say("held")
    device.say("slow")
    device.say("", "websocket.disconnect")
    for _ in range(5):
        await asyncio.sleep(0)
    assert device.incoming.ended
    assert not device.reading.done()
    device.incoming.release()
    for _ in range(5):
        await asyncio.sleep(0)
    assert device.begun == ["held", "slow"]
    assert not device.reading.done()
    await device.end()
