"""What is due for many connections at about the same time is done together, and never early."""

import asyncio
from collections.abc import Callable

import pytest

from pneumatic.server import due as module
from pneumatic.server.due import Due, Rounds

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WIDTH", 0.02)


class Connection:
    def __init__(self, then: Callable[[], object] = bool) -> None:
        self.at: float | None = None
        self._then = then

    def is_due(self) -> None:
        self.at = asyncio.get_running_loop().time()
        self._then()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_none_is_told_early_and_none_that_has_left() -> None:
    rounds, now = Rounds(), asyncio.get_running_loop().time()
    due = {Connection(): now + n * 0.007 for n in range(10)}
    left = Connection()
    rounds.join(left, now + 0.01).discard(left)
    for each, at in due.items():
        rounds.join(each, at)
    await _until(lambda: all(each.at is not None for each in due))
    assert all(each.at is not None and each.at >= at for each, at in due.items())
    assert left.at is None
    assert not rounds._by_number


async def test_many_are_told_in_several_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_A_TURN", 3)
    rounds, at = Rounds(), asyncio.get_running_loop().time() + 0.01
    some = [Connection() for _ in range(10)]
    for each in some:
        rounds.join(each, at)
    seen = [0]
    while seen[-1] < len(some):
        await asyncio.sleep(0)
        told = sum(each.at is not None for each in some)
        assert told - seen[-1] <= 3
        seen.append(told)
    assert not rounds._by_number


async def test_one_may_join_another_round_or_leave_its_own_while_that_goes_on() -> None:
    rounds, at = Rounds(), asyncio.get_running_loop().time() + 0.01
    some = list[Connection]()
    round_of = dict[Connection, set[Due]]()

    def all_others_leave() -> None:
        for each in some:
            round_of[each].discard(each)
        rounds.join(later, at)

    later = Connection()
    some += [Connection(all_others_leave) for _ in range(5)]
    round_of |= {each: rounds.join(each, at) for each in some}
    await _until(lambda: later.at is not None)
    assert sum(each.at is not None for each in some) == 1


async def test_one_that_fails_keeps_none_of_its_round_waiting() -> None:
    reported = list[object]()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def fail() -> None:
        raise RuntimeError("a defect")

    rounds, at = Rounds(), loop.time() + 0.01
    some = [Connection(fail) for _ in range(3)]
    for each in some:
        rounds.join(each, at)
    await _until(lambda: all(each.at is not None for each in some))
    assert len(reported) == len(some)
    assert not rounds._by_number
