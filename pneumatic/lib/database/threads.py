"""A bounded pool of threads for database work that starts in the event loop.

Channels' ``database_sync_to_async`` runs all such work of a process in one thread, so one slow
query delays every socket. Here there are ``DATABASE_THREADS`` of them, nobody waits longer than
``SECONDS``, and no more wait than can be served in that time.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, ParamSpec, TypeVar

import psycopg
import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pneumatic.lib import metrics
from pneumatic.lib.database import postgres
from pneumatic.lib.database.outages import repeated, unavailable_from
from pneumatic.lib.errors import ProblemError, Unavailable

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: How long a call of ``in_database`` lasts at most, waiting for a thread included.
SECONDS: Final = 5.0
#: How much work may wait for each thread; what comes on top is refused at once.
WAITING_PER_THREAD: Final = 250


class _Threads:
    """The pool, and the connections that its threads keep: SQLite's only.

    PostgreSQL's go back to their own pool: a thread that kept one would pin it. SQLite has none,
    and to open its file anew takes longer than most of what is then done with it.
    """

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(settings.DATABASE_THREADS, thread_name_prefix="database")
        #: With the file that each was opened on.
        self._kept: dict[BaseDatabaseWrapper, _File] = {}

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Around each piece of work, in its thread: which connections it finds and leaves."""
        files: dict[BaseDatabaseWrapper, _File] = {}
        for each in connections.all():
            if each.vendor == "sqlite":
                files[each] = _file_of(each)
                if self._kept.get(each) != files[each]:
                    each.close()  # A backup has taken the file's place.
        try:
            yield
        finally:
            for each in connections.all(initialized_only=True):
                each.queries_log.clear()  # With DEBUG they would pile up.
                if each not in files or each.errors_occurred or each.in_atomic_block:
                    each.close()
                elif self._kept.get(each) != files[each]:
                    if each not in self._kept:
                        each.inc_thread_sharing()  # Else only this thread could close it.
                    self._kept[each] = files[each]

    def end(self) -> None:
        """Wait for what goes on, then close the connections."""
        self.executor.shutdown()
        for each in self._kept:
            each.close()


_File = tuple[int, int] | None


def _file_of(database: BaseDatabaseWrapper) -> _File:
    """Which file bears the database's name now."""
    try:
        status = Path(database.settings_dict["NAME"]).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


_pool: _Threads | None = None
_pool_lock = threading.Lock()


def _threads() -> _Threads:
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = _Threads()
        return _pool


def end_threads() -> None:
    """Wait for all work in threads, and close their connections. The next work begins new ones."""
    global _pool
    with _pool_lock:
        ending, _pool = _pool, None
    if ending is not None:
        ending.end()


_counting = threading.Lock()
_waiting = 0


class _Job(Generic[T]):
    """Work that waits for a thread, unless the one who asked for it has given up meanwhile."""

    def __init__(self, work: Callable[[], T], threads: _Threads) -> None:
        global _waiting
        self._work = work
        self._threads = threads
        self.wanted = True
        with _counting:
            if _waiting >= settings.DATABASE_THREADS * WAITING_PER_THREAD:
                metrics.database_unavailable("queue_full")
                raise Unavailable("Too much is going on; try again.", retry_after=2)
            _waiting += 1

    def run(self) -> T:
        global _waiting
        with _counting:
            _waiting -= 1
        if not self.wanted:
            raise Unavailable
        with self._threads.connected():
            return _or_unavailable(self._work)


def _or_unavailable(work: Callable[[], T]) -> T:
    try:
        return repeated(work)
    except (DatabaseError, psycopg.Error) as error:
        problem = unavailable_from(error)
        if problem is None:
            raise
        log.warning("database_unavailable", error=f"{type(error).__name__}: {error}".strip())
        raise problem from error


async def in_database(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in a thread that may use the database, and return what it returns.

    ``work`` reads, or is one transaction: it is repeated where a deadlock undid it. Raises
    ``Unavailable`` where the database doesn't answer, or not within ``SECONDS`` (then what has
    begun may still be committed), else what ``work`` raises.
    """
    context = contextvars.copy_context()
    # The thread gives up when we do: else a database that hangs would keep them all.
    context.run(postgres.be_patient_for, SECONDS)
    threads = _threads()
    job = _Job(partial(context.run, partial(work, *args, **kwargs)), threads)
    done = asyncio.get_running_loop().run_in_executor(threads.executor, job.run)
    try:
        async with asyncio.timeout(SECONDS) as patience:
            # Shielded, so that the job always comes to its turn, and is no longer counted.
            return await asyncio.shield(done)
    except TimeoutError:
        if not patience.expired():
            raise
        metrics.database_unavailable("no_answer")
        log.warning("database_unavailable", error=f"no answer within {SECONDS:.0f} s")
        raise Unavailable("The database doesn't answer; try again.", retry_after=2) from None
    finally:
        job.wanted = False
        if not done.done():
            done.add_done_callback(_ended_unwanted)


def _ended_unwanted(done: "asyncio.Future[Any]") -> None:
    """Nobody waits for this outcome any more. A failure to be expected is logged where it arose."""
    error = None if done.cancelled() else done.exception()
    if error is not None and not isinstance(error, ProblemError):
        log.error("abandoned_work_failed", exc_info=error)
