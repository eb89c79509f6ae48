from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from pneumatic.lib.database.threads import in_database
from pneumatic.loopback.binaries import find_redis
from pneumatic.testing.factories import World, make_world
from pneumatic.testing.socket import the_end
from tests.faults.cluster import Cluster
from tests.faults.device import Device
from tests.server.running import Running


@pytest.fixture(autouse=True)
def _no_device_outlives_its_test(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("asyncio"):
        request.getfixturevalue("_devices_end")


@pytest_asyncio.fixture
async def _devices_end() -> AsyncIterator[None]:
    """Close what a test that failed left open, else the next one is told of it."""
    yield
    for each in tuple(Device.open_ones):
        await each.close()


@pytest.fixture
def committed(transactional_db: None) -> World:
    """alice and bob are in, charlie is out; every thread sees it."""
    return make_world()


@pytest_asyncio.fixture
async def live_world(transactional_db: None) -> AsyncIterator[World]:
    """The same for tests with sockets in this process; the hub ends with the test."""
    yield await in_database(make_world)
    await the_end()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every migration: made once, then copied."""
    server = Running(tmp_path_factory.mktemp("migrated"))
    server.manage("migrate", "--verbosity=0")
    return server.database


@pytest.fixture(scope="session")
def _cluster() -> Iterator[Cluster]:
    """Made once; every test heals it."""
    if not find_redis():
        pytest.skip("needs Redis: no `redis-server` program was found")
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(_cluster: Cluster) -> Iterator[Cluster]:
    """Two processes, healed after the test."""
    yield _cluster
    _cluster.heal()
