"""A group is joined once for all its sockets, whoever comes, goes or gives up meanwhile."""

import asyncio
from collections.abc import Callable, Collection
from typing import cast

import pytest
import pytest_asyncio

from chat.ws.rooms import Rooms, Socket
from pneumatic.lib import realtime

pytestmark = pytest.mark.asyncio


class SlowBus:
    """Joins and leaves take as long as the test wants them to, or fail."""

    def __init__(self) -> None:
        self.joined = set[str]()
        self.calls = list[tuple[str, set[str]]]()
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails = False

    async def listen(self, _: object) -> None:
        return None

    async def join(self, groups: Collection[str]) -> None:
        await self._pass("join", groups)
        self.joined |= set(groups)

    async def leave(self, groups: Collection[str]) -> None:
        await self._pass("leave", groups)
        self.joined -= set(groups)

    async def _pass(self, what: str, groups: Collection[str]) -> None:
        self.calls.append((what, set(groups)))
        await self.gate.wait()
        if self.fails:
            raise ConnectionError("the layer is away")


class Place:
    """Rooms on a bus of the test's own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bus = SlowBus()
        monkeypatch.setattr(realtime, "bus", lambda: self.bus)
        self.rooms = Rooms(cast(realtime.Listener, None))

    def socket(self) -> Socket:
        made = cast(Socket, object())
        self.rooms.sockets[made] = set()
        return made

    def joining(self, socket: Socket, *groups: str) -> asyncio.Task[None]:
        return asyncio.create_task(self.rooms.join(socket, dict.fromkeys(groups, 0)))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def nobody_is_left(self) -> None:
        self.bus.gate.set()
        await self.rooms.leave_all(tuple(self.rooms.sockets))
        assert not self.rooms.by_group
        assert not self.bus.joined


@pytest_asyncio.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(monkeypatch)


async def test_two_who_come_at_once_join_once_and_both_wait_for_it(place: Place) -> None:
    place.bus.gate.clear()
    first = place.joining(place.socket(), "a", "b")
    await place.until(lambda: bool(place.bus.calls))
    second = place.joining(place.socket(), "b", "c")
    for _ in range(5):
        await asyncio.sleep(0)
    assert not second.done()
    place.bus.gate.set()
    await asyncio.gather(first, second)
    assert place.bus.calls == [("join", {"a", "b"}), ("join", {"c"})]
    await place.nobody_is_left()


async def test_where_the_first_gives_up_the_next_who_waits_joins(place: Place) -> None:
    place.bus.gate.clear()
    first = place.joining(place.socket(), "a", "b")
    await place.until(lambda: bool(place.bus.calls))
    waiting = [place.joining(place.socket(), "a") for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(place.bus.calls) == 2, "one of them joins, the others wait for that"
    place.bus.gate.set()
    await asyncio.gather(*waiting)
    assert first.cancelled()
    assert place.bus.calls == [("join", {"a", "b"}), ("join", {"a"})]
    assert place.bus.joined == {"a"}
    await place.nobody_is_left()


async def test_who_gives_up_waiting_keeps_nothing_from_the_others(place: Place) -> None:
    place.bus.gate.clear()
    first = place.joining(place.socket(), "b")
    await place.until(lambda: bool(place.bus.calls))
    # It has "a" for itself by now, and waits for "b".
    second = place.joining(place.socket(), "a", "b")
    await place.until(lambda: "a" in place.rooms.by_group)
    await place.until(lambda: place.rooms.by_group["a"].changing is not None)
    third = place.joining(place.socket(), "a")
    await asyncio.sleep(0)
    second.cancel()
    await place.until(lambda: ("join", {"a"}) in place.bus.calls)
    place.bus.gate.set()
    await asyncio.gather(first, third)
    assert place.bus.joined == {"a", "b"}
    assert all(room.changing is None for room in place.rooms.by_group.values())
    await place.nobody_is_left()


async def test_where_joining_fails_who_waits_and_who_comes_later_try_again(place: Place) -> None:
    place.bus.gate.clear()
    place.bus.fails = True
    first = place.joining(place.socket(), "a")
    await place.until(lambda: bool(place.bus.calls))
    second = place.joining(place.socket(), "a")
    await asyncio.sleep(0)
    place.bus.gate.set()
    failed = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(each) for each in failed] == [ConnectionError] * 2
    place.bus.fails = False
    await place.joining(place.socket(), "a")
    assert place.bus.joined == {"a"}
    await place.nobody_is_left()


async def test_who_comes_while_the_last_one_leaves_joins_after_that(place: Place) -> None:
    last, next_one = place.socket(), place.socket()
    await place.joining(last, "a")
    place.bus.gate.clear()
    leaving = asyncio.create_task(place.rooms.leave(last, "a"))
    await place.until(lambda: ("leave", {"a"}) in place.bus.calls)
    coming = place.joining(next_one, "a")
    await asyncio.sleep(0)
    assert not coming.done()
    place.bus.gate.set()
    await asyncio.gather(leaving, coming)
    assert place.bus.calls[1:] == [("leave", {"a"}), ("join", {"a"})]
    assert place.bus.joined == {"a"}
    assert place.rooms.by_group["a"].sockets == {next_one}
    await place.nobody_is_left()


@pytest.mark.parametrize("cut", ["cancelled", "failed"])
async def test_where_leaving_is_cut_short_the_next_joins_all_the_same(
    place: Place, cut: str
) -> None:
    last = place.socket()
    await place.joining(last, "a")
    place.bus.gate.clear()
    leaving = asyncio.create_task(place.rooms.leave(last, "a"))
    await place.until(lambda: ("leave", {"a"}) in place.bus.calls)
    coming = place.joining(place.socket(), "a")
    if cut == "cancelled":
        leaving.cancel()
    else:
        place.bus.fails = True
        place.bus.gate.set()
    await asyncio.wait([leaving])
    place.bus.fails = False
    place.bus.gate.set()
    await asyncio.gather(coming, leaving, return_exceptions=True)
    assert place.bus.calls[-1] == ("join", {"a"})
    assert place.bus.joined == {"a"}
    await place.nobody_is_left()


async def test_who_is_put_out_while_joining_leaves_no_group_behind(place: Place) -> None:
    socket = place.socket()
    place.bus.gate.clear()
    coming = place.joining(socket, "a")
    await place.until(lambda: bool(place.bus.calls))
    room = place.rooms.by_group["a"]
    place.rooms.put_out(socket, "a", room)
    leaving = asyncio.create_task(place.rooms.leave_if_empty({"a": room}))
    await asyncio.sleep(0)
    place.bus.gate.set()
    await asyncio.gather(coming, leaving)
    assert not place.bus.joined
    assert not place.rooms.by_group
