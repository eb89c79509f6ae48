"""What holds for every test, whatever it is about: nothing leaks from one test into the next."""

import asyncio
import os
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
import pytest_asyncio
import pytest_django
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.utils import timezone

from pneumatic.lib.database import asyncpostgres
from pneumatic.lib.database.threads import end_threads
from pneumatic.lib.shared import delays, redisscript, tallies
from pneumatic.loopback.binaries import find_chromium

# How long a task may take to end after its test has: a cancelled one needs a turn of the loop.
TASK_GRACE_SECONDS = 1.0

# The same examples on every machine and every time: a red build can be run again. A slow machine is
# not a failure; `timeout` in pytest.ini catches what hangs.
hypothesis.settings.register_profile("pneumatic", deadline=None, derandomize=True)
hypothesis.settings.load_profile("pneumatic")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with its reason, what only a service or program that we lack can show."""
    on_postgres = "postgresql" in settings.DATABASES["default"]["ENGINE"]
    lacking = {
        "needs_postgres": None if on_postgres else "needs PostgreSQL (this run is on SQLite)",
        "once": "runs on SQLite (this run is on PostgreSQL)" if on_postgres else None,
        "needs_redis": None if settings.REDIS_URL else "needs Redis (this run is in memory)",
        "e2e": None if find_chromium() or _in_ci() else "needs Chromium (none was found)",
    }
    for item in items:
        for mark, reason in lacking.items():
            if reason and item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make captured output sendable: a lone surrogate in it would end pytest-xdist's worker."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode())
        for title, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[None]:
    """pytest-django's own, and before the test database is dropped, nobody is connected to it.

    The connections of requests' threads lie in thread-local variables, out of our reach.
    """
    yield
    end_threads()
    connection = connections["default"]
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    """Each test starts with no cached value, no spent rate limit and nobody present."""
    from chat import presence
    from chat.ws import crowd

    delays.reset()
    tallies.reset()
    for kept in (presence._leases, crowd._places):
        kept.cache_clear()
    if settings.REDIS_URL:
        import redis

        client = redis.Redis.from_url(settings.REDIS_URL)
        # Ours only, and by name: the Redis may be one that somebody uses for other things too.
        keys = list(client.scan_iter(match=f"*{settings.REDIS_PREFIX}*", count=1000))
        if keys:
            client.delete(*keys)
        client.close()
    else:
        cache.clear()


@pytest.fixture
def three_attempts(settings: pytest_django.Settings) -> Iterator[None]:
    """An address may try so often at a door, and time stands still.

    The doors' minutes are windows with an edge: one that came in the middle of a test would give
    three more.
    """
    settings.ANONYMOUS_ATTEMPTS_PER_MINUTE = 3
    with time_machine.travel(timezone.now(), tick=False):
        yield


@pytest.fixture(autouse=True)
def _no_task_outlives_its_test(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("asyncio"):
        request.getfixturevalue("_tasks_end")


@pytest_asyncio.fixture
async def _tasks_end() -> AsyncIterator[None]:
    """Fail a test that leaves tasks: in the server they would be a leak, one for each socket."""
    before = asyncio.all_tasks()
    yield
    await asyncpostgres.close()
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=TASK_GRACE_SECONDS)
    # Else the garbage collector finds its open connections one day, in somebody else's test.
    await redisscript.close()
    if left:
        names = "\n".join(sorted(str(task.get_coro()) for task in left))
        pytest.fail(f"the test left {len(left)} task(s) running:\n{names}")


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's program, for Playwright's `executable_path`."""
    path = find_chromium()
    if path is None:
        pytest.fail("no Chromium was found; set PNEUMATIC_CHROMIUM to its path")
    return path


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """The folder for what people look at after a run: screenshots, traces, logs."""
    default = settings.BASE_DIR / "var" / "artefacts"
    folder = Path(os.environ.get("PNEUMATIC_TEST_ARTEFACTS", default))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _in_ci() -> bool:
    return os.environ.get("CI") == "true"
