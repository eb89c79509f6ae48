"""Row R22 over several processes: a cap is that of all of them together, not of each."""

import asyncio
from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosed

from tests.server.person import Person, Socket
from tests.server.running import Running
from tests.server.test_sign_out import sockets_in_every_process

Serving = Callable[..., Running]
MOST = 25


async def _comes(person: Person) -> Socket | int:
    """A socket; or the code with which the server sent it away."""
    try:
        return await person.socket()
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else 1006


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_person_has_so_many_sockets_over_all_processes(
    serving: Serving, redis_url: str
) -> None:
    settings = {"SOCKETS_PER_USER": str(MOST), "WEB_CONCURRENCY": "2", "DRAIN_SECONDS": "1"}
    server = serving(REDIS_URL=redis_url, **settings).start()
    alice, bob = await Person(server, "alice").register(), await Person(server, "bob").register()
    sockets = await sockets_in_every_process(server, alice)
    while len(sockets) < MOST:
        sockets.append(await alice.socket())

    assert set(await asyncio.gather(*(_comes(alice) for _ in range(8)))) == {4429}
    await (await bob.socket()).close()
    await sockets.pop().close()
    async with asyncio.timeout(20):
        # The other process is told once the server has seen the end of that socket.
        while isinstance(another := await _comes(alice), int):
            assert another == 4429
            await asyncio.sleep(0.05)

    for socket in (*sockets, another):
        await socket.close()
