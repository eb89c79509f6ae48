"""`in_database`: bounded in time and in number, and patient with a deadlock."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection
from structlog.testing import capture_logs

from pneumatic.lib.database import threads
from pneumatic.lib.database.threads import end_threads, in_database
from pneumatic.lib.errors import Unavailable

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def stuck() -> Iterator[Callable[[], None]]:
    """Work that lasts until the test ends."""
    release = threading.Event()

    def wait() -> None:
        release.wait(20)

    yield wait
    release.set()


def caused_by(wrapped: Exception, cause: Exception) -> Exception:
    wrapped.__cause__ = cause
    return wrapped


async def test_f9_what_takes_too_long_is_unavailable_and_what_waited_for_it_never_begins(
    stuck: Callable[[], None], monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    monkeypatch.setattr(threads, "SECONDS", 0.2)
    begun: list[int] = []
    busy = [asyncio.create_task(in_database(stuck)) for _ in range(8)]
    behind = [asyncio.create_task(in_database(begun.append, number)) for number in range(3)]
    began = time.monotonic()
    results = await asyncio.gather(*busy, *behind, return_exceptions=True)
    assert time.monotonic() - began < 2
    assert [type(each) for each in results] == [Unavailable] * 11
    assert begun == []


async def test_f9_when_too_much_waits_more_is_refused_at_once(
    stuck: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "SECONDS", 0.5)
    monkeypatch.setattr(threads, "WAITING_PER_THREAD", 1)
    tasks = [asyncio.create_task(in_database(stuck)) for _ in range(40)]
    await asyncio.sleep(0.1)
    refused = [task for task in tasks if task.done()]
    assert len(refused) >= 40 - 16 - 8
    error = refused[0].exception()
    assert isinstance(error, Unavailable)
    assert error.retry_after
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_timeout_that_the_work_itself_raises_stays_its_own() -> None:
    def late() -> None:
        raise TimeoutError("of something else")

    with pytest.raises(TimeoutError, match="something else"):
        await in_database(late)


@pytest.mark.parametrize(
    "state", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure]
)
async def test_f13_work_that_another_transaction_undid_is_repeated_three_times_at_most(
    state: type[psycopg.Error],
) -> None:
    attempts: list[int] = []

    def undone(times: int) -> str:
        attempts.append(times)
        if len(attempts) <= times:
            raise caused_by(OperationalError("deadlock"), state("deadlock"))
        return "done"

    assert await in_database(undone, 3) == "done"
    assert len(attempts) == 4
    attempts.clear()
    with pytest.raises(Unavailable), capture_logs():
        await in_database(undone, 9)
    assert len(attempts) == 4


async def test_sqlite_stays_open_in_its_threads_until_they_end() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL's connections go back to their pool")
    await asyncio.to_thread(end_threads)

    def used() -> Any:
        connection.ensure_connection()
        return connection.connection

    kept = {id(each): each for each in [await in_database(used) for _ in range(30)]}
    assert len(kept) <= 8
    # One that something went wrong with is not trusted again.
    broken: list[Any] = []

    def go_wrong() -> None:
        broken.append(used())
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")

    with pytest.raises(Unavailable), capture_logs():
        await in_database(go_wrong)
    assert is_closed(broken[0])
    kept |= {id(each): each for each in [await in_database(used) for _ in range(30)]}
    await asyncio.to_thread(end_threads)
    assert all(is_closed(each) for each in kept.values())
    assert not is_closed(await in_database(used))


def is_closed(handle: sqlite3.Connection) -> bool:
    try:
        handle.total_changes  # noqa: B018 - it tells
    except sqlite3.ProgrammingError:
        return True
    return False


async def test_a_transaction_left_open_does_not_stay_with_the_thread() -> None:
    await in_database(connection.set_autocommit, False)
    for _ in range(16):
        assert await in_database(lambda: connection.get_autocommit())


@pytest.mark.needs_postgres
async def test_f24_work_in_a_thread_waits_no_longer_than_who_asked_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "SECONDS", 0.3)

    def sleep() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")

    # More than there are threads: the second eight need those of the first.
    for _ in range(2):
        results = await asyncio.gather(
            *(in_database(sleep) for _ in range(8)), return_exceptions=True
        )
        assert {type(each) for each in results} == {Unavailable}
    monkeypatch.setattr(threads, "SECONDS", 10)
    await in_database(connection.ensure_connection)


async def test_what_is_wrong_with_the_work_is_raised_as_it_is() -> None:
    def wrong() -> None:
        raise IntegrityError("duplicate key")

    with pytest.raises(IntegrityError):
        await in_database(wrong)
