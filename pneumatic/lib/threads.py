"""A bounded pool of threads for database work that starts in the event loop.

Channels' ``database_sync_to_async`` runs all such work of a process in one thread, so one slow
query delays every socket. Here there are ``DATABASE_THREADS`` of them, nobody waits longer than
``SECONDS``, and no more wait than can be served in that time.
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, Final, Generic, ParamSpec, TypeVar

import psycopg
import psycopg_pool
import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connections

from pneumatic.lib.errors import Unavailable

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: How long a call of ``in_database`` lasts at most, waiting for a thread included.
SECONDS: Final = 5.0
#: How much work may wait for each thread; what comes on top is refused at once.
WAITING_PER_THREAD: Final = 250
#: How often work is begun that a deadlock, or another transaction's success, undid.
ATTEMPTS: Final = 4

_AWAY: Final = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
# A server that may only be read is a standby, or was the primary until a moment ago; one that
# ended our transaction for its idleness closed the connection with it.
_AWAY_STATES: Final = frozenset({"25006", "25P03"})
_UNDONE_STATES: Final = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_POOL_ERRORS: Final = (
    psycopg_pool.PoolTimeout,
    psycopg_pool.PoolClosed,
    psycopg_pool.TooManyRequests,
)


# --- What a failure of the database means -------------------------------------------------------


def unavailable_from(error: BaseException) -> Unavailable | None:
    """What to tell where ``error`` says that the database can't serve now; None for any other.

    Where the connection is lost, or leads to a server that can only be read, the pooled ones are
    let go as well: they lead to the same place.
    """
    state = _state_of(error)
    if not isinstance(error, _AWAY) and state not in _AWAY_STATES:
        return None
    if state in _AWAY_STATES or _lost_connection(error, state):
        _renew_pool()
    return Unavailable("The database doesn't answer; try again.", retry_after=2)


def was_undone(error: BaseException) -> bool:
    """Whether another transaction won over ours, which left nothing behind and may be repeated."""
    return _state_of(error) in _UNDONE_STATES


def repeated(work: Callable[[], T]) -> T:
    """What ``work``, one transaction, returns; begun anew where another transaction undid it."""
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except DatabaseError as error:
            if not was_undone(error):
                raise
            # The other one has what it wanted, so there is nothing to wait for.
            log.info("transaction_repeated", state=_state_of(error))
    return work()


def _state_of(error: BaseException) -> str | None:
    """PostgreSQL's five characters for what went wrong, where it was PostgreSQL that said so."""
    for each in (error, error.__cause__):
        state = getattr(each, "sqlstate", None)
        if isinstance(state, str):
            return state
    return None


def _lost_connection(error: BaseException, state: str | None) -> bool:
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if not isinstance(cause, psycopg.Error) or isinstance(cause, _POOL_ERRORS):
        return False
    return state is None or state.startswith(("08", "57P"))


_renewal = threading.Lock()
_renewed_at = float("-inf")


def _renew_pool() -> None:
    """Replace the pooled connections, not more than once a second; on SQLite there are none."""
    global _renewed_at
    pool: psycopg_pool.ConnectionPool[Any] | None = getattr(connections["default"], "pool", None)
    with _renewal:
        if pool is None or time.monotonic() < _renewed_at + 1:
            return
        _renewed_at = time.monotonic()
    pool.drain()


# --- Work in threads ----------------------------------------------------------------------------


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.DATABASE_THREADS, thread_name_prefix="database")


_counting = threading.Lock()
_waiting = 0


class _Job(Generic[T]):
    """Work that waits for a thread, unless the one who asked for it has given up meanwhile."""

    def __init__(self, work: Callable[[], T]) -> None:
        global _waiting
        self._work = work
        self.wanted = True
        with _counting:
            if _waiting >= settings.DATABASE_THREADS * WAITING_PER_THREAD:
                raise Unavailable("Too much is going on; try again.", retry_after=2)
            _waiting += 1

    def run(self) -> T:
        global _waiting
        with _counting:
            _waiting -= 1
        if not self.wanted:
            raise Unavailable
        return _with_connection(self._work)


def _with_connection(work: Callable[[], T]) -> T:
    try:
        return repeated(work)
    except (DatabaseError, psycopg.Error) as error:
        problem = unavailable_from(error)
        if problem is None:
            raise
        log.warning("database_unavailable", error=f"{type(error).__name__}: {error}".strip())
        raise problem from error
    finally:
        # To the pool on PostgreSQL; a thread that kept its connection would pin it for ever.
        connections.close_all()


async def in_database(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in a thread that may use the database, and return what it returns.

    ``work`` reads, or is one transaction: it is repeated where a deadlock undid it. Raises
    ``Unavailable`` where the database doesn't answer, or not within ``SECONDS`` (then what has
    begun goes on, and may still commit), else what ``work`` raises.
    """
    context = contextvars.copy_context()
    job = _Job(partial(context.run, partial(work, *args, **kwargs)))
    done = asyncio.get_running_loop().run_in_executor(_executor(), job.run)
    try:
        async with asyncio.timeout(SECONDS) as patience:
            # Shielded, so that the job always comes to its turn, and is no longer counted.
            return await asyncio.shield(done)
    except TimeoutError:
        if not patience.expired():
            raise
        log.warning("database_unavailable", error=f"no answer within {SECONDS:.0f} s")
        raise Unavailable("The database doesn't answer; try again.", retry_after=2) from None
    finally:
        job.wanted = False
