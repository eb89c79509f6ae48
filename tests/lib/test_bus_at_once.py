"""What finds nothing on its way to the layer is sent without a task."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import pytest
import pytest_asyncio

from pneumatic.lib.realtime.buses import Bus
from pneumatic.lib.realtime.channel import Envelope
from tests.lib.test_bus import Layer, Listener, until

pytestmark = pytest.mark.asyncio


class Sending:
    """In the place of the channel: what was sent, how, and the answers that are to come."""

    def __init__(self) -> None:
        self.at_once, self.together = list[str](), list[list[str]]()
        self.answers = list[Callable[[Exception | None], object]]()

    def begin(
        self, group: str, envelopes: Sequence[Envelope], done: Callable[[Exception | None], object]
    ) -> bool:
        self.at_once.append(group)
        self.answers.append(done)
        return True

    async def send(self, by_group: Mapping[str, Any]) -> None:
        self.together.append(list(by_group))


@pytest_asyncio.fixture
async def bus(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bus]:
    layer = Layer()
    monkeypatch.setattr("pneumatic.lib.realtime.channel._layer", lambda: layer)
    bus = Bus()
    monkeypatch.setattr(bus.channel, "hears_alone", lambda _: False)
    await bus.listen(Listener())
    yield bus
    await bus.close()


@pytest.fixture
def sending(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> Sending:
    sending = Sending()
    monkeypatch.setattr(bus.channel, "begin_send", sending.begin)
    monkeypatch.setattr(bus.channel, "send", sending.send)
    return sending


async def test_what_comes_with_it_goes_together_after_it(bus: Bus, sending: Sending) -> None:
    for group in ("a", "b", "c"):
        bus.publish(group, {"text": "hi"})
    assert (sending.at_once, sending.together) == (["a"], [])
    await until(lambda: bool(sending.together))
    assert sending.together == [["b", "c"]]
    sending.answers.pop()(None)
    bus.publish("d", {"text": "hi"})
    assert sending.at_once == ["a", "d"]
    sending.answers.pop()(None)


async def test_one_that_fails_shows_that_the_layer_is_away(bus: Bus, sending: Sending) -> None:
    bus.publish("a", {"text": "hi"})
    sending.answers.pop()(ConnectionError())
    assert not bus.healthy


async def test_the_end_waits_for_its_answer(bus: Bus, sending: Sending) -> None:
    bus.publish("a", {"text": "hi"})
    ending = asyncio.create_task(bus.close())
    await asyncio.sleep(0.02)
    assert not ending.done()
    sending.answers.pop()(None)
    await asyncio.wait_for(ending, 10)
