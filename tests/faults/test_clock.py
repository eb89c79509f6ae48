"""F20: the clock of one process is wrong; order, tokens and presence don't depend on it."""

import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pneumatic.loopback.binaries import find_redis
from pneumatic.loopback.processes import make_folder
from pneumatic.loopback.servers import start_redis
from pneumatic.settings import BASE_DIR
from tests.faults.cluster import Cast, make_people
from tests.faults.device import Device
from tests.server.running import Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.once,
    pytest.mark.asyncio,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("faults-clock"),
]

Skewed = Callable[[float], tuple[Running, Running, Cast]]


@pytest.fixture
def skewed(tmp_path: Path, migrated: Path) -> Iterator[Skewed]:
    """Two processes on one database and one Redis, of which the second's clock is wrong."""
    if not find_redis():
        pytest.skip("needs Redis: no `redis-server` program was found")
    folder = make_folder()
    redis, url = start_redis(find_redis()[0], folder)
    right, wrong = [
        Running(
            tmp_path,
            REDIS_URL=url,
            PYTHONPATH=str(BASE_DIR),
            DJANGO_SETTINGS_MODULE="pneumatic.settings",
        )
        for _ in range(2)
    ]

    def start(seconds: float) -> tuple[Running, Running, Cast]:
        shutil.copy(migrated, right.database)
        cast = make_people(right, count=2, devices=2)
        right.start()
        wrong.start([sys.executable, "-m", "tests.faults.altered", "clock", str(seconds)])
        return right, wrong, cast

    yield start
    for server in (right, wrong):
        server.stop()
    redis.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("seconds", [-20, 90])
async def test_a_wrong_clock_changes_neither_order_nor_who_may_come_in_f20(
    skewed: Skewed, seconds: float
) -> None:
    right, wrong, cast = skewed(seconds)
    # Tokens that the right clock issued open the process with the wrong one.
    alice, bob = Device(cast.tokens[0][0], right.port), Device(cast.tokens[1][0], wrong.port)
    await alice.open()
    await bob.open()
    bodies = [str(uuid.uuid4()) for _ in range(20)]
    for number, body in enumerate(bodies):
        await (alice, bob)[number % 2].send(cast.group, body)
    for device in (alice, bob):
        await device.knows(bodies[-1])
        (conversation,) = device.mirror.conversations.values()
        assert not conversation.has_gap
        rows = sorted(conversation.messages.values(), key=lambda row: row["seq"])
        assert [row["body"] for row in rows if row["body"] in bodies] == bodies
    # Presence is a lease by Redis' clock: nobody is taken for gone.
    async with Device(cast.tokens[1][1], right.port) as another:
        (synced,) = [frame for frame in another.received if frame["type"] == "synced"]
        assert synced["online"] == [cast.people[0]]
    for device, other in ((alice, cast.people[1]), (bob, cast.people[0])):
        gone = [f for f in device.received if f["type"] == "presence" and not f["online"]]
        assert other not in [frame["user"] for frame in gone]
    assert (alice.close_code, bob.close_code) == (None, None)
    await alice.close()
    await bob.close()
