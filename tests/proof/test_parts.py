"""The pieces of the instrument that a wrong verdict could come from."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pneumatic.proof import history
from pneumatic.proof.faults import Fault
from pneumatic.proof.history import History
from pneumatic.proof.outbox import Letter, Outbox
from pneumatic.proof.proxy import Proxy, wire_of
from pneumatic.proof.sockets import Doors
from pneumatic.proof.timing import Line, Timing, percentile
from tests.proof.story import GROUP, member_change


def test_an_outbox_has_one_message_of_a_conversation_on_its_way() -> None:
    outbox = Outbox(patience=60)
    first, second, other = Letter("a", "1"), Letter("a", "2"), Letter("b", "3")
    for letter in (first, second, other):
        outbox.put(letter)
    assert list(outbox.due()) == [first, other]
    assert list(outbox.due()) == []
    assert outbox.answer(first.id)
    assert list(outbox.due()) == [second]


def test_after_a_disconnect_the_same_letter_goes_again_under_its_id() -> None:
    outbox = Outbox(patience=60)
    outbox.put(Letter("a", "1"))
    (sent,) = outbox.due()
    outbox.disconnected()
    (again,) = outbox.due()
    assert again.id == sent.id


def test_a_letter_that_was_put_off_waits() -> None:
    outbox = Outbox(patience=60)
    outbox.put(Letter("a", "1"))
    (sent,) = outbox.due()
    outbox.later(sent.id, 60)
    assert list(outbox.due()) == []
    assert len(outbox) == 1


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    with History(tmp_path / "one.jsonl") as pen:
        pen.write("ack", id="1", s=3)
        pen.write("out", c="2")
    first, second = history.read(pen.path)
    assert (first["e"], first["s"], second["c"]) == ("ack", 3, "2")
    assert first["t"] <= second["t"]


def test_recovery_is_the_time_from_a_faults_end_to_the_next_sign_of_life() -> None:
    timing = Timing([fault("kill", 1.0, 2.0, "a"), fault("cut", 1.0, 3.0, "b")])
    ack = {"e": "ack", "id": "x"}
    lines = [{**ack, "t": 1.5}, {"e": "open", "t": 2.1}, {**ack, "t": 2.5}, {**ack, "t": 9.0}]
    assert list(timing.watch("a", "alice", lines)) == lines
    cut, kill = timing.recoveries()
    assert (kill.live, cut.live) == ([0.5], [])


def fault(kind: str, start: float, end: float, *devices: str, door: int = 0) -> Fault:
    return Fault(kind, start, end, list(devices), door, end)


def came(message: str, at: float) -> Line:
    rows = [("message", message, 1, 1)]
    return {"t": at, "e": "in", "c": GROUP, "y": "message", "rows": rows}


IN = [member_change(user, version=version) for version, user in ((1, "alice"), (2, "bob"))]


def whole(histories: Mapping[str, Sequence[Line]], *faults: Fault, changes: Any = IN) -> Any:
    """Each fault's seconds until everybody had the message `old`, acknowledged at 9."""
    timing = Timing(faults, {"old": 9.0, "new": 11.0}, changes)
    for person, lines in histories.items():
        assert list(timing.watch(f"{person}.0", person, lines)) == lines
    return [each.whole for each in timing.recoveries()]


def test_all_is_whole_when_the_last_device_has_what_was_acknowledged_before_the_end() -> None:
    histories = {
        "alice": [came("old", 9.5), came("new", 13.0)],
        "bob": [came("old", 12.0), came("new", 14.0), came("old", 15.0)],
    }
    assert whole(histories, fault("kill", 9.5, 10.0, "alice.0")) == [[2.0]]


def test_all_is_whole_at_once_where_nothing_was_missing() -> None:
    histories = {"alice": [came("old", 9.5)], "bob": [came("old", 9.6), came("new", 19.0)]}
    assert whole(histories, fault("redis-flush", 9.9, 10.0)) == [[0.0]]


def test_who_came_only_later_does_not_count() -> None:
    late = [IN[0], member_change("bob", version=11)]
    histories = {"alice": [came("old", 9.5)], "bob": [came("old", 12.0)]}
    assert whole(histories, fault("kill", 9.5, 10.0, "alice.0"), changes=late) == [[0.0]]
    gone = [*IN, member_change("bob", version=11, ended=True), member_change("bob", version=12)]
    assert whole(histories, fault("kill", 9.5, 10.0, "alice.0"), changes=gone) == [[0.0]]


def test_a_device_that_another_fault_holds_counts_for_that_one() -> None:
    histories = {"alice": [came("old", 9.5)], "bob": [came("old", 22.0)]}
    faults = fault("kill", 9.5, 10.0, "alice.0"), fault("frozen", 11.0, 21.0, "bob.0")
    assert whole(histories, *faults) == [[1.0], [0.0]]


def test_nothing_is_measured_after_what_has_no_end() -> None:
    assert whole({"bob": [came("old", 12.0)]}, fault("duplicates", 9.0, 10.0)) == [[]]


def test_a_door_that_was_found_closed_is_not_tried_again_at_once_where_there_is_another() -> None:
    draws = iter([1, 1, 2, *[1] * 20])
    doors = Doors(lambda: next(draws))
    assert doors.pick() == 1
    doors.closed = 1
    assert doors.pick() == 2
    assert doors.pick() == 1, "the only one"


def test_percentiles_of_nothing_are_nothing() -> None:
    assert percentile([], 0.5) is None
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.99) == 4.0


class Echo:
    """A server that says back what it hears, and a proxy before it."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def __aenter__(self) -> "Echo":
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.proxy = Proxy(self.server.sockets[0].getsockname()[1])
        await self.proxy.start()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        await self.proxy.close()
        self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            self.heard.put_nowait(data)
            writer.write(data)
        writer.close()

    async def say(self, words: bytes) -> bytes:
        self.writer.write(words)
        return await asyncio.wait_for(self.reader.read(100), 5)

    @property
    def port(self) -> int:
        return int(self.writer.get_extra_info("sockname")[1])


@pytest.mark.asyncio
async def test_a_wire_that_is_mute_and_cut_loses_the_answer_and_not_the_question() -> None:
    async with Echo() as echo:
        assert await echo.say(b"one") == b"one"
        wire = wire_of([echo.proxy], echo.port)
        assert wire is not None
        assert await echo.heard.get() == b"one"
        wire.mute = True
        echo.writer.write(b"two")
        assert await asyncio.wait_for(echo.heard.get(), 5) == b"two"
        wire.cut()
        try:
            answer = await asyncio.wait_for(echo.reader.read(100), 5)
        except ConnectionError:
            answer = b""
        assert answer == b""


@pytest.mark.asyncio
async def test_what_a_server_said_before_it_ended_arrives_however_late() -> None:
    slow = asyncio.Event()

    async def last_words(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (wire,) = proxy.wires.values()
        wire.delay = 0.1
        wire.flowing.clear()
        slow.set()
        writer.write(b"goodbye")
        writer.close()

    server = await asyncio.start_server(last_words, "127.0.0.1", 0)
    proxy = Proxy(server.sockets[0].getsockname()[1])
    await proxy.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    await asyncio.wait_for(slow.wait(), 5)
    (wire,) = proxy.wires.values()
    # The server is gone: its end answers the first with a reset, of which the others hear.
    for _ in range(3):
        writer.write(b"not heard any more")
        await asyncio.sleep(0.05)
    wire.flowing.set()
    assert await asyncio.wait_for(reader.read(100), 5) == b"goodbye"
    writer.close()
    await proxy.close()
    server.close()


@pytest.mark.asyncio
async def test_a_late_wire_brings_everything_in_order_and_is_not_slower_for_that() -> None:
    async with Echo() as echo:
        wire = wire_of([echo.proxy], echo.port)
        assert wire is not None
        wire.delay = 0.5
        began = time.monotonic()
        said = [f"{number:03} ".encode() for number in range(40)]
        for words in said[:-1]:
            echo.writer.write(words)
            assert await asyncio.wait_for(echo.heard.get(), 5) == words
        wire.delay = 0.0
        echo.writer.write(said[-1])
        assert await asyncio.wait_for(echo.reader.readexactly(4 * 40), 15) == b"".join(said)
        # One after the other they would have taken 20 s.
        assert 0.5 <= time.monotonic() - began < 10


@pytest.mark.asyncio
async def test_a_frozen_wire_brings_everything_once_it_thaws() -> None:
    async with Echo() as echo:
        assert await echo.say(b"one") == b"one"
        wire = wire_of([echo.proxy], echo.port)
        assert wire is not None
        wire.flowing.clear()
        echo.writer.write(b"two")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(echo.reader.read(100), 0.2)
        wire.flowing.set()
        assert await asyncio.wait_for(echo.reader.read(100), 5) == b"two"
