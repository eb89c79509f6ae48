"""A room of many sockets is handed what comes part by part, and everybody gets what is theirs."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.tests.ws.test_handouts import Writes, event, room_of
from chat.ws import rounds
from chat.ws.handouts import hand_out
from chat.ws.rooms import Room
from chat.ws.rounds import Round
from pneumatic.lib.realtime.readyframes import text_frame


@pytest.fixture(autouse=True)
def pairs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two sockets are a part."""
    with monkeypatch.context() as patch:
        patch.setattr(rounds, "PART", 2)
        yield


async def end_of(room: Room) -> None:
    """Return once everything has been handed on."""
    for _ in range(1_000):
        if room.round is None:
            return
        await asyncio.sleep(0)
    raise AssertionError("the round goes on and on")


def frames(*texts: str) -> bytes:
    return b"".join(map(text_frame, texts))


def test_a_small_room_is_handed_everything_at_once() -> None:
    alice, bob = Writes(), Writes()
    room = room_of(alice, bob)
    hand_out(room, [event("1")])
    assert room.round is None
    assert alice.written == bob.written == [frames("1")]


@pytest.mark.asyncio
async def test_between_two_parts_of_a_large_room_the_loop_does_other_things() -> None:
    crowd = [Writes() for _ in range(6)]
    hand_out(room := room_of(*crowd), [event("1")])
    at_each_turn = []
    while room.round is not None:
        at_each_turn.append(sum(len(each.written) for each in crowd))
        await asyncio.sleep(0)
    assert at_each_turn == [0, 2, 4, 6]
    assert all(each.written == [frames("1")] for each in crowd)


@pytest.mark.asyncio
async def test_what_comes_meanwhile_shares_the_write_of_those_whose_turn_is_to_come() -> None:
    crowd = [Writes() for _ in range(6)]
    hand_out(room := room_of(*crowd), [event("1")])
    await asyncio.sleep(0)
    hand_out(room, [event("2"), event("3")])
    await end_of(room)
    written = sorted(each.written for each in crowd)
    assert written == [[frames("1"), frames("2", "3")]] * 2 + [[frames("1", "2", "3")]] * 4


@pytest.mark.asyncio
async def test_who_comes_in_meanwhile_is_handed_only_what_comes_after() -> None:
    hand_out(room := room_of(*(Writes() for _ in range(6))), [event("before")])
    await asyncio.sleep(0)
    room.let_in(late := Writes())  # type: ignore[arg-type]
    hand_out(room, [event("after")])
    await end_of(room)
    assert late.written == [frames("after")]


@pytest.mark.asyncio
async def test_who_is_put_out_meanwhile_is_handed_nothing_more_even_when_back() -> None:
    crowd = [Writes() for _ in range(6)]
    hand_out(room := room_of(*crowd), [event("secret")])
    await asyncio.sleep(0)
    gone = [each for each in crowd if not each.written]
    for each in gone:
        room.put_out(each)  # type: ignore[arg-type]
    gone[0].written.clear()
    room.let_in(gone[0])  # type: ignore[arg-type]
    await end_of(room)
    assert [each.written for each in gone] == [[]] * 4
    hand_out(room, [event("public")])
    await end_of(room)
    assert [each.written for each in gone] == [[frames("public")]] + [[]] * 3


@pytest.mark.asyncio
async def test_one_that_fails_takes_nothing_from_the_parts_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = [Writes() for _ in range(6)]

    def fail(_: bytes) -> None:
        raise RuntimeError("a defect")

    crowd[0].outbound.write = fail
    hand_out(room := room_of(*crowd), [event("1")])
    await end_of(room)
    assert sum(each.written == [frames("1")] for each in crowd) >= 4
    crowd[0].outbound.write = crowd[0]._write
    hand_out(room, [event("2")])
    await end_of(room)
    assert all(each.written[-1] == frames("2") for each in crowd)


def test_many_who_come_and_go_leave_few_parts() -> None:
    lap = Round(range(6))
    for number in range(6, 1_000):
        lap.add([event(str(number))])
        lap.enter(number)
        lap.leave(number - 6)
        lap.turn()
    left = 0
    while turn := lap.turn():
        left += bool(turn[0])
    assert left <= 6


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 3)),
        st.tuples(st.sampled_from(["enter", "leave"]), st.integers(0, 9)),
        st.tuples(st.just("turn"), st.none()),
    ),
    max_size=80,
)


@given(st.integers(0, 9), _steps)
def test_each_is_handed_all_that_comes_while_it_is_there_once_and_in_order(
    first: int, steps: list[tuple[str, int]]
) -> None:
    lap, there = Round(range(first)), set(range(first))
    came = 0
    owed, got = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)

    def turn() -> bool:
        taken = lap.turn()
        for socket in taken[0] if taken else ():
            got[socket] += [each["text"] for each in taken[1]] if taken else []
        return taken is not None

    for step, which in steps:
        match step:
            case "add":
                texts = [str(came + number) for number in range(which)]
                came += which
                lap.add([event(text) for text in texts])
                for socket in there:
                    owed[socket] += texts
            case "enter" if which not in there:
                lap.enter(which)
                there.add(which)
            case "leave" if which in there:
                lap.leave(which)
                there.discard(which)
                # What was on its way to it is not.
                owed[which] = list(got[which])
            case "turn":
                turn()
    for _ in range(1_000):
        if not turn():
            break
    assert {s: texts for s, texts in got.items() if texts} == {
        s: texts for s, texts in owed.items() if texts
    }
