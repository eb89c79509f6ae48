"""The bus over a channel layer that fails in the ways that Redis does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any
from unittest.mock import AsyncMock

import pytest
import pytest_asyncio
from channels.layers import InMemoryChannelLayer
from structlog.testing import capture_logs

from pneumatic.lib.realtime import buses as bus_module
from pneumatic.lib.realtime import channel
from pneumatic.lib.realtime.buses import Bus
from pneumatic.lib.realtime.channel import Envelope

pytestmark = pytest.mark.asyncio


class Layer(InMemoryChannelLayer):
    """Loses everything once `silent`, until its connections are opened anew."""

    def __init__(self) -> None:
        super().__init__()
        self.silent = self.away = False
        #: The process whose words get lost.
        self.muted = "nobody"
        self.flushes = 0
        self.failure: Exception | None = None

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if not self.silent and self.muted not in message.get("from", ""):
            await super().group_send(group, message)

    async def new_channel(self, prefix: str = "specific.") -> str:
        if self.away:
            raise ConnectionError
        return await super().new_channel(prefix)

    async def flush(self) -> None:
        if self.failure is not None:
            # As the Redis layer, whose reader's error comes up here.
            error, self.failure = self.failure, None
            raise error
        self.flushes += 1
        self.silent = False
        await super().flush()


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.told: list[str] = []

    def deliver(self, group: str, envelopes: Sequence[Envelope]) -> None:
        self.heard += [(group, envelope["text"]) for envelope in envelopes]

    def layer_lost(self) -> None:
        self.told.append("lost")

    def layer_back(self) -> None:
        self.told.append("back")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    layer = Layer()
    monkeypatch.setattr(channel, "_layer", lambda: layer)
    monkeypatch.setattr(channel, "REST_SECONDS", 0.01)
    monkeypatch.setattr(bus_module, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(bus_module, "GATHER_SECONDS", 0.01)
    monkeypatch.setattr(bus_module, "LOST_SECONDS", 0.1)
    return layer


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest_asyncio.fixture
async def bus(layer: Layer, listener: Listener) -> AsyncIterator[Bus]:
    bus = Bus()
    await bus.listen(listener)
    layer.flushes = 0
    yield bus
    await bus.close()


async def from_another_process(layer: Layer, group: str, text: str) -> None:
    message = {"type": "realtime", "from": "other", "group": group, "envelopes": [{"text": text}]}
    await layer.group_send(group, message)


async def test_a_layer_that_falls_silent_is_connected_to_anew_in_every_group(
    bus: Bus, layer: Layer, listener: Listener
) -> None:
    for group in ("a", "b", "c"):
        await bus.join([group])
    await bus.leave(["b"])
    layer.silent = True
    await until(lambda: listener.told == ["lost", "back"])
    assert layer.flushes == 1
    for group in ("a", "b", "c"):
        await from_another_process(layer, group, "again")
    await until(lambda: ("c", "again") in listener.heard)
    assert listener.heard == [("a", "again"), ("c", "again")]


async def test_a_listener_that_fails_keeps_nothing_from_the_others(
    bus: Bus, layer: Layer, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bus.join(["a"])
    other: list[Any] = []
    really = bus.channel.send

    def fail(group: str, envelopes: Sequence[Envelope]) -> None:
        raise ZeroDivisionError

    async def send(by_group: Mapping[str, Any]) -> None:
        other.extend(by_group)
        await really(by_group)

    monkeypatch.setattr(listener, "deliver", fail)
    monkeypatch.setattr(bus.channel, "send", send)
    monkeypatch.setattr(bus.channel, "hears_alone", lambda _: False)
    with capture_logs() as lines:
        bus.publish("a", {"text": "one"})
        bus.publish("b", {"text": "two"})
    assert [line["event"] for line in lines] == ["not_delivered"] * 2
    await until(lambda: {"a", "b"} <= set(other))


async def test_it_is_tried_again_until_the_layer_is_there(
    bus: Bus, layer: Layer, listener: Listener
) -> None:
    await bus.join(["a"])
    layer.silent = layer.away = True
    await until(lambda: layer.flushes >= 3)
    assert listener.told == ["lost"]
    layer.away = False
    await until(lambda: listener.told == ["lost", "back"])
    await from_another_process(layer, "a", "again")
    await until(lambda: listener.heard == [("a", "again")])


async def test_connections_are_closed_even_where_their_reader_had_failed(
    layer: Layer, listener: Listener
) -> None:
    bus = Bus()
    await bus.listen(listener)
    layer.flushes = 0
    layer.failure = TimeoutError("of the reader")
    await bus.close()
    assert layer.flushes == 1


async def test_a_layer_that_is_away_from_the_start_is_waited_for_by_nobody(
    layer: Layer, listener: Listener
) -> None:
    bus = Bus()
    layer.away = True
    await bus.listen(listener)
    assert (bus.healthy, listener.told) == (False, ["lost"])
    await bus.join(["a"])
    bus.publish("a", {"text": "here"})
    assert listener.heard == [("a", "here")]
    layer.away = False
    await until(lambda: listener.told == ["lost", "back"])
    await from_another_process(layer, "a", "there")
    await until(lambda: listener.heard == [("a", "here"), ("a", "there")])
    await bus.close()
    assert layer.channels == {}


async def test_others_are_told_that_they_missed_what_one_could_not_say(
    bus: Bus, layer: Layer, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "LOST_SECONDS", 60)
    other, others = Bus(), Listener()
    # A layer of its own would have connections of its own; this one is shared.
    monkeypatch.setattr(layer, "flush", AsyncMock())
    await other.listen(others)
    layer.muted = bus.channel.name
    await until(lambda: listener.told == ["lost"])
    bus.publish("a", {"text": "unheard"})
    layer.muted = "nobody"
    await until(lambda: listener.told == ["lost", "back"])
    await until(lambda: others.told == ["back"])
    await other.close()


async def test_a_beat_that_is_missing_shows_a_cut_however_short(
    bus: Bus, layer: Layer, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "BEATS_UNHEARD", 1000)
    await until(lambda: bus._heard > 2)
    layer.silent = True
    beat = bus._beat
    await until(lambda: bus._beat > beat + 1)
    layer.silent = False
    await until(lambda: listener.told == ["back"])


async def test_a_message_of_another_version_ends_nothing(
    bus: Bus, layer: Layer, listener: Listener
) -> None:
    await bus.join(["a"])
    await layer.group_send("a", {"type": "realtime", "of": "another version"})
    await from_another_process(layer, "a", "next")
    await until(lambda: listener.heard == [("a", "next")])
    await until(lambda: listener.told == ["back"])


async def test_what_waits_while_a_call_takes_long_goes_in_one_call_a_group(
    bus: Bus, layer: Layer, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, calls = asyncio.Event(), list[tuple[str, list[str]]]()
    real = layer.group_send

    async def slow(group: str, message: dict[str, Any]) -> None:
        if group in {"a", "b"}:
            calls.append((group, [each["text"] for each in message["envelopes"]]))
            await go_on.wait()
        await real(group, message)

    monkeypatch.setattr(layer, "group_send", slow)
    for group in ("a", "b"):
        await layer.group_add(group, "somebody.else")
    bus.publish("a", {"text": "1"})
    await until(lambda: len(calls) == 1)
    for group, text in (("a", "2"), ("b", "3"), ("a", "4")):
        bus.publish(group, {"text": text})
    go_on.set()
    await until(lambda: len(calls) == 3)
    assert calls == [("a", ["1"]), ("a", ["2", "4"]), ("b", ["3"])]
    # Here it was heard at once, in the order of publishing.
    assert [text for _, text in listener.heard] == ["1", "2", "3", "4"]


async def test_nothing_is_sent_where_this_process_is_known_to_be_alone(
    bus: Bus, layer: Layer, listener: Listener
) -> None:
    await bus.join("a")
    await layer.group_add("b", "somebody.else")
    for group in ("a", "b", "c"):
        bus.publish(group, {"text": "1"})
    assert [group for group, _ in bus._outgoing] == ["b"]
    assert listener.heard == [("a", "1"), ("b", "1"), ("c", "1")]
    message = await layer.receive("somebody.else")
    assert (message["group"], message["envelopes"]) == ("b", [{"text": "1"}])


async def test_groups_that_are_joined_meanwhile_are_joined_together(
    bus: Bus, layer: Layer, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, calls = asyncio.Event(), list[set[str]]()
    join = bus.channel.join

    async def slow(groups: Collection[str]) -> None:
        calls.append(set(groups))
        await go_on.wait()
        await join(groups)

    monkeypatch.setattr(bus.channel, "join", slow)
    first = asyncio.create_task(bus.join(["a"]))
    await until(lambda: len(calls) == 1)
    others = [asyncio.create_task(bus.join([group])) for group in ("b", "c", "d")]
    await asyncio.sleep(0)
    # Who wanted these is gone before they are joined, or while they are.
    for task, group in ((first, "a"), (others[2], "d")):
        task.cancel()
        await bus.leave([group])
    go_on.set()
    await asyncio.gather(*others, return_exceptions=True)
    assert calls == [{"a"}, {"b", "c"}]
    for group in "abcd":
        await from_another_process(layer, group, "heard")
    await until(lambda: len(listener.heard) == 2)
    assert listener.heard == [("b", "heard"), ("c", "heard")]
