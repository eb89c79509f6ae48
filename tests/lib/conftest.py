"""A Redis that tests may stop: their own, whatever the run has."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pytest_django import Settings

from pneumatic.lib.database import asyncpostgres
from pneumatic.lib.shared import redisscript
from pneumatic.loopback.binaries import find_redis
from pneumatic.loopback.processes import Server, make_folder
from pneumatic.loopback.servers import start_redis


def _start(folder: Path) -> tuple[Server, str]:
    binaries = find_redis()
    if not binaries:
        pytest.skip("needs Redis: no `redis-server` program was found")
    return start_redis(binaries[0], folder)


@pytest.fixture(scope="session")
def _redis() -> Iterator[str]:
    folder = make_folder()
    server, url = _start(folder)
    yield url
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_url(_redis: str, settings: Settings) -> Iterator[str]:
    """The settings name a real Redis, with a prefix of this test's own."""
    settings.REDIS_URL, settings.REDIS_PREFIX = _redis, uuid.uuid4().hex
    redisscript.reset()
    yield _redis
    redisscript.reset()


@pytest.fixture
def mortal_redis(settings: Settings) -> Iterator[Server]:
    """The settings name a Redis that the test may stop."""
    folder = make_folder()
    server, settings.REDIS_URL = _start(folder)
    redisscript.reset()
    yield server
    server.stop()
    redisscript.reset()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def no_redis(settings: Settings) -> None:
    settings.REDIS_URL = ""
    redisscript.reset()


@pytest_asyncio.fixture
async def loop_closes_redis() -> AsyncIterator[None]:
    yield
    await redisscript.close()


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[redisscript.Script], asyncio.Event]:
    """Keep this script from reaching Redis until the event that is returned is set."""

    def hold_up(script: redisscript.Script) -> asyncio.Event:
        go = asyncio.Event()
        arun = redisscript.Script.arun

        async def late(self: redisscript.Script, keys: Sequence[str], *arguments: Any) -> Any:
            if self is script:
                await go.wait()
            return await arun(self, keys, *arguments)

        monkeypatch.setattr(redisscript.Script, "arun", late)
        return go

    return hold_up


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def one_loop_connection(settings: Settings) -> AsyncIterator[None]:
    """The event loop's statements have one connection: else any of several may answer."""
    settings.LOOP_CONNECTIONS = 1
    yield
    await asyncpostgres.close()
