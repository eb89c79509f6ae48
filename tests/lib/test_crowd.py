"""Row R22: who is counted among the sockets of a person or an address, over all processes."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest
from pytest_django import Settings

from chat.protocol import Close
from chat.ws import crowd
from pneumatic.lib.shared import leases, redisscript
from pneumatic.lib.shared.leases import Leases


class _Guest:
    def __init__(self) -> None:
        self.device = str(uuid4())

    def end_soon(self, code: Close) -> None:
        raise AssertionError(code)


@pytest.mark.asyncio
@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_an_address_has_so_many_sockets_over_two_processes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOCKETS_PER_ADDRESS, settings.SOCKETS_PER_USER = 2, 0
    settings.SOCKETS_PER_PROCESS = 0
    # What each process has of its own: nothing but Redis is in common.
    processes = [(crowd.Crowd(), Leases("sockets", 45)) for _ in range(2)]

    async def comes(process: int, guest: _Guest, address: str = "192.0.2.1") -> bool:
        here, places = processes[process]
        monkeypatch.setattr(crowd, "_places", lambda: places)
        assert here.enter(guest, address)
        return await here.take_place(guest, str(uuid4()))

    first = _Guest()
    assert await comes(0, first)
    assert await comes(1, _Guest())
    late = _Guest()
    assert not await comes(1, late)
    assert await comes(1, _Guest(), "192.0.2.2"), "another address has its own"
    await processes[1][0].leave(late)
    await processes[0][0].leave(first)
    assert await comes(1, _Guest())


@pytest.mark.asyncio
@pytest.mark.usefixtures("no_redis")
async def test_who_was_refused_takes_no_place_with_the_next_renewal(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOCKETS_PER_ADDRESS, settings.SOCKETS_PER_USER = 0, 1
    settings.SOCKETS_PER_PROCESS = 0
    here, places, person = crowd.Crowd(), Leases("sockets", 45), str(uuid4())
    monkeypatch.setattr(crowd, "_places", lambda: places)
    first, refused, next_one = _Guest(), _Guest(), _Guest()
    for guest in (first, refused, next_one):
        assert here.enter(guest, "192.0.2.1")

    assert await here.take_place(first, person)
    assert not await here.take_place(refused, person)
    await here.renew()
    await here.leave(first)
    assert await here.take_place(next_one, person)


@pytest.mark.asyncio
@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_who_is_still_asking_is_not_renewed_before_there_is_an_answer(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    held_up: Callable[[redisscript.Script], asyncio.Event],
) -> None:
    """Else it would be counted before it asks, and then find the last place taken: by itself."""
    settings.SOCKETS_PER_ADDRESS, settings.SOCKETS_PER_USER = 0, 1
    settings.SOCKETS_PER_PROCESS = 0
    here, places = crowd.Crowd(), Leases("sockets", 45)
    monkeypatch.setattr(crowd, "_places", lambda: places)
    go, guest = held_up(leases._ENTER), _Guest()
    assert here.enter(guest, "192.0.2.1")
    asking = asyncio.create_task(here.take_place(guest, str(uuid4())))
    await asyncio.sleep(0)
    await here.renew()
    go.set()
    assert await asking


@pytest.mark.asyncio
@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_who_goes_while_still_asking_gives_back_what_it_may_have_got(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOCKETS_PER_ADDRESS, settings.SOCKETS_PER_USER = 0, 1
    settings.SOCKETS_PER_PROCESS = 0
    here, places, person = crowd.Crowd(), Leases("sockets", 45), str(uuid4())
    monkeypatch.setattr(crowd, "_places", lambda: places)
    arun = redisscript.Script.arun
    counted = asyncio.Event()

    async def unanswered(self: redisscript.Script, *arguments: object) -> object:
        answer = await arun(self, *arguments)  # type: ignore[arg-type]
        if self is leases._ENTER and not counted.is_set():
            counted.set()
            await asyncio.Event().wait()
        return answer

    monkeypatch.setattr(redisscript.Script, "arun", unanswered)
    first, second = _Guest(), _Guest()
    for guest in (first, second):
        assert here.enter(guest, "192.0.2.1")
    asking = asyncio.create_task(here.take_place(first, person))
    await counted.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await here.leave(first)
    assert await here.take_place(second, person)
