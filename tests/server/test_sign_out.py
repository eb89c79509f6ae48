"""Security list 4 over several processes: signed out is signed out, everywhere."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumatic.loopback.binaries import find_redis
from pneumatic.loopback.processes import make_folder
from pneumatic.loopback.servers import start_redis
from tests.server.person import Person, Socket
from tests.server.running import Running, until
from tests.server.test_serve import workers_of

Serving = Callable[..., Running]


def _connections_of(pid: int, port: int) -> int:
    """How many connections to ``port`` a process holds."""
    established = "01"
    inodes = {
        columns[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if (columns := line.split())[3] == established and columns[1].endswith(f":{port:04X}")
    }
    held = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed in this moment
            held.add(str(file.readlink()))
    return len(held & {f"socket:[{inode}]" for inode in inodes})


async def sockets_in_every_process(server: Running, person: Person) -> list[Socket]:
    # What is left of the requests that registered people is no socket.
    await until(lambda: not any(_connections_of(each, server.port) for each in workers_of(server)))
    sockets: list[Socket] = []
    while not all(_connections_of(each, server.port) for each in workers_of(server)):
        assert len(sockets) < 20, "all of them came to the same process"
        sockets.append(await person.socket())
    return sockets


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
