import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from pneumatic.loopback.binaries import find_redis
from pneumatic.loopback.processes import make_folder
from pneumatic.loopback.servers import start_redis
from tests.faults.wire import Wire
from tests.server.person import Socket
from tests.server.postgres import Postgres
from tests.server.running import Running
from tests.server.websockets import App


@pytest.fixture(autouse=True)
def _no_socket_outlives_its_test(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("asyncio"):
        request.getfixturevalue("_sockets_end")


@pytest_asyncio.fixture
async def _sockets_end() -> AsyncIterator[None]:
    """Close what a test that failed left open, else the next one is told of it."""
    yield
    for each in tuple(Socket.open_ones):
        await each.abort()


@pytest_asyncio.fixture
async def app() -> App:
    """To be served by `tests.server.websockets.serving`."""
    return App()


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every migration: made once, then copied."""
    server = Running(tmp_path_factory.mktemp("migrated"))
    server.manage("migrate", "--verbosity=0")
    return server.database


@pytest.fixture
def serving(tmp_path: Path, _migrated: Path) -> Iterator[Callable[..., Running]]:
    """Make servers on SQLite, with these settings; not yet started."""
    made: list[Running] = []

    def make(**settings: str) -> Running:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        shutil.copy(_migrated, folder)
        made.append(Running(folder, **settings))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis of the test's own."""
    binaries = find_redis()
    if not binaries:
        pytest.skip("needs Redis: no `redis-server` program was found")
    folder = make_folder()
    server, url = start_redis(binaries[0], folder)
    yield url
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = make_folder()
    found = Postgres(folder)
    data = tmp_path_factory.mktemp("migrating")
    Running(data, DATABASE_URL=found.url).manage("migrate", "--verbosity=0")
    yield found
    found.server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(_postgres: Postgres) -> Iterator[Postgres]:
    """A PostgreSQL for the test's own faults, with every migration."""
    _postgres.begin()
    yield _postgres
    _postgres.heal()


@pytest.fixture
def wire(postgres: Postgres) -> Iterator[Wire]:
    """The line to that PostgreSQL."""
    line = Wire(postgres.port).start()
    yield line
    line.stop()


@pytest.fixture
def over_the_wire(postgres: Postgres, wire: Wire, tmp_path: Path) -> Iterator[Running]:
    """A server on that PostgreSQL, at the other end of the line."""
    url = postgres.url.replace(f":{postgres.port}/", f":{wire.port}/")
    server = Running(tmp_path, DATABASE_URL=url).start()
    yield server
    server.stop()


@pytest.fixture
def on_postgres(postgres: Postgres, tmp_path: Path) -> Iterator[Running]:
    """A server on that PostgreSQL."""
    server = Running(tmp_path, DATABASE_URL=postgres.url).start()
    yield server
    server.stop()
