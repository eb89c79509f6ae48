"""Security list 4 over several processes: signed out is signed out, everywhere."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator

import pytest

from pneumatic.loopback.binaries import find_redis
from pneumatic.loopback.processes import make_folder
from pneumatic.loopback.servers import start_redis
from tests.server.person import Person, Socket
from tests.server.running import Running
from tests.server.test_serve import workers_of

Serving = Callable[..., Running]


@contextlib.contextmanager
def _standing_still(pids: Iterable[int]) -> Iterator[None]:
    for each in pids:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in pids:
            os.kill(each, signal.SIGCONT)


async def sockets_in_every_process(server: Running, person: Person) -> list[Socket]:
    """One in each of them: while the others stand still, nobody else can accept it.

    The kernel gives a new connection to any that listens, and one may still be starting.
    """
    workers = workers_of(server)
    sockets = []
    for each in workers:
        with _standing_still(workers - {each}):
            sockets.append(await Socket(person).connect())
    return [await socket.hello() for socket in sockets]


@pytest.mark.slow
@pytest.mark.asyncio
async def test_sockets_of_every_process_close_when_one_signs_out_everywhere(
    serving: Serving, redis_url: str
) -> None:
    server = serving(WEB_CONCURRENCY="2", REDIS_URL=redis_url, DRAIN_SECONDS="1").start()
    alice, bob = await Person(server, "alice").register(), await Person(server, "bob").register()
    sockets = await sockets_in_every_process(server, alice)
    other = await bob.socket()

    assert (await alice.ask("auth/logout-all/", {})).status_code == 204
    codes = await asyncio.gather(*(each.closed() for each in sockets))

    assert set(codes) == {4501}
    await other.say("ping", ref="still here")
    await other.expect("pong", ref="still here")
    await other.close()


@pytest.mark.slow
@pytest.mark.asyncio
async def test_they_do_within_one_heartbeat_while_redis_is_away(serving: Serving) -> None:
    folder = make_folder()
    redis, url = start_redis(find_redis()[0], folder)
    try:
        server = serving(WEB_CONCURRENCY="2", REDIS_URL=url, DRAIN_SECONDS="1").start()
        alice = await Person(server, "alice").register()
        sockets = await sockets_in_every_process(server, alice)
        redis.stop()

        assert (await alice.ask("auth/logout-all/", {})).status_code == 204
        # `closed` waits for 20 s; a heartbeat takes 25 s.
        codes = await asyncio.gather(*(each.closed() for each in sockets))

        assert set(codes) == {4501}
    finally:
        redis.stop()
        shutil.rmtree(folder, ignore_errors=True)
