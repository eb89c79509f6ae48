"""What a failure of the database means: to who asked, to operators, and for its connections."""

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg
import psycopg_pool
import structlog
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connections

from pneumatic.lib import metrics
from pneumatic.lib.database import postgres
from pneumatic.lib.errors import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")

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
#: PostgreSQL's states, and SQLite's codes, that say of what kind an outage is.
_REASONS: Final = {
    "53100": "disk_full",
    "53300": "no_connection",
    "25006": "read_only",
    "55P03": "locked",
    "57014": "no_answer",
    "40001": "undone",
    "40P01": "undone",
}
_SQLITE_REASONS: Final = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_CANTOPEN: "no_connection",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
}


def unavailable_from(error: BaseException) -> Unavailable | None:
    """What to tell where ``error`` says that the database can't serve now; None for any other.

    Where the connection is lost, or leads to a server that can only be read, the pooled ones are
    let go as well: they lead to the same place.
    """
    state = _state_of(error)
    if not isinstance(error, _AWAY) and state not in _AWAY_STATES:
        return None
    is_lost = _lost_connection(error, state)
    if leads_nowhere(error):
        _renew_pool()
    metrics.database_unavailable(_reason(error, state, is_lost=is_lost))
    return Unavailable("The database doesn't answer; try again.", retry_after=2)


def leads_nowhere(error: BaseException) -> bool:
    """Whether the connection is lost, or leads to a server that can only be read."""
    state = _state_of(error)
    return state in _AWAY_STATES or _lost_connection(error, state)


def was_undone(error: BaseException) -> bool:
    """Whether another transaction won over ours, which left nothing behind and may be repeated."""
    return _state_of(error) in _UNDONE_STATES


def repeated(work: Callable[[], T], undone: BaseException | None = None) -> T:
    """What ``work``, one transaction, returns; begun anew where another transaction undid it.

    ``undone`` is the error by which a first attempt has ended already.
    """
    left = ATTEMPTS - (undone is not None)
    while True:
        if undone is not None:
            # The other one has what it wanted, so there is nothing to wait for.
            log.info("transaction_repeated", state=_state_of(undone))
        left -= 1
        try:
            return work()
        except DatabaseError as error:
            if not left or not was_undone(error):
                raise
            undone = error


def _reason(error: BaseException, state: str | None, *, is_lost: bool) -> str:
    """Of what kind it is, as docs/operations.md lists them."""
    cause = error if error.__cause__ is None else error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    if state in _REASONS:
        return _REASONS[state]
    if isinstance(code, int) and code & 0xFF in _SQLITE_REASONS:  # The rest says it in detail.
        return _SQLITE_REASONS[code & 0xFF]
    if isinstance(cause, _POOL_ERRORS):
        return "no_connection"
    if isinstance(cause, postgres.NoAnswer):
        return "no_answer"
    return "lost" if is_lost else "other"


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
    if isinstance(cause, postgres.NoAnswer):
        return cause.is_lost
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
