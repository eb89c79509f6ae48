"""How many commands a person may send a minute, whatever they send them from."""

import asyncio
import gc
from weakref import WeakValueDictionary

import pytest
from pytest_django import Settings

from chat.ws import session
from chat.ws.session import command_budget


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Clock:
    settings.SOCKET_COMMANDS_PER_MINUTE = 60
    clock = Clock()
    monkeypatch.setattr(session, "_clock", clock)
    monkeypatch.setattr(session, "_budgets", WeakValueDictionary())
    return clock


def test_a_minute_has_so_many_and_waiting_as_long_as_told_is_enough(clock: Clock) -> None:
    bob = command_budget("bob")
    assert [bob.wait() for _ in range(60)] == [0.0] * 60
    for _ in range(200):
        wait = bob.wait()
        assert 0 < wait <= 1
        # It was refused, so it costs nothing.
        assert bob.wait() == wait
        clock.now += wait
        assert bob.wait() == 0.0
    clock.now += 3_600
    assert [bob.wait() for _ in range(60)] == [0.0] * 60
    assert bob.wait()


def test_what_was_done_already_is_charged_into_debt_that_has_an_end(clock: Clock) -> None:
    bob = command_budget("bob")
    bob.charge(frames=700)
    assert bob.wait() == pytest.approx(11)
    bob.charge(frames=100_000)
    assert bob.wait() == pytest.approx(61)


def test_zero_lifts_the_limit(clock: Clock, settings: Settings) -> None:
    settings.SOCKET_COMMANDS_PER_MINUTE = 0
    bob = command_budget("bob")
    bob.charge(frames=100_000)
    assert [bob.wait() for _ in range(1_000)] == [0.0] * 1_000


def test_two_sockets_of_a_person_spend_from_one_and_other_people_from_theirs(clock: Clock) -> None:
    laptop, phone, alice = map(command_budget, ("bob", "bob", "alice"))
    assert [each.wait() for _ in range(30) for each in (laptop, phone)] == [0.0] * 60
    assert laptop.wait()
    assert phone.wait()
    assert alice.wait() == 0.0


@pytest.mark.asyncio
async def test_who_comes_back_finds_what_they_left(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    timers = list[tuple[float, object]]()
    monkeypatch.setattr(loop, "call_later", lambda *timer: timers.append(timer), raising=False)
    bob = command_budget("bob")
    bob.charge(frames=900)
    bob.keep()
    del bob
    gc.collect()
    assert command_budget("bob").wait()
    # As long as it takes to be full again. After that a new one is as good.
    assert [seconds for seconds, *_ in timers] == [pytest.approx(90)]
    timers.clear()
    gc.collect()
    assert command_budget("bob").wait() == 0.0


@pytest.mark.asyncio
async def test_one_that_is_full_is_not_kept(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    timers = list[tuple[float, object]]()
    monkeypatch.setattr(loop, "call_later", lambda *timer: timers.append(timer), raising=False)
    command_budget("bob").keep()
    assert not timers
