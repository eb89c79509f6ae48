import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pneumatic.testing.binaries import find_redis
from pneumatic.testing.processes import make_folder
from pneumatic.testing.servers import start_redis
from tests.server.running import Postgres, Running


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


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, with every migration."""
    folder = make_folder()
    found = Postgres(folder)
    Running(folder, DATABASE_URL=found.url).manage("migrate", "--verbosity=0")
    yield found
    found.server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def on_postgres(postgres: Postgres, tmp_path: Path) -> Iterator[Running]:
    """A server on that PostgreSQL."""
    server = Running(tmp_path, DATABASE_URL=postgres.url).start()
    yield server
    server.stop()
