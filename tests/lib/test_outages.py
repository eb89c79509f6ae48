"""How each failure of the database is told: to who asked, and to who operates the server."""

import sqlite3

import psycopg
import psycopg_pool
import pytest
from django.db import IntegrityError, InternalError, OperationalError

from pneumatic.lib.database.outages import unavailable_from
from pneumatic.lib.database.postgres import NoAnswer
from pneumatic.lib.metrics import DATABASE_UNAVAILABLE


def caused_by(wrapped: Exception, cause: Exception) -> Exception:
    wrapped.__cause__ = cause
    return wrapped


def sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = code
    return error


AWAY = [
    (OperationalError("nothing more is known"), "other"),
    (psycopg_pool.TooManyRequests("the pool has 256 requests waiting"), "no_connection"),
    (caused_by(OperationalError("timeout"), psycopg_pool.PoolTimeout("timeout")), "no_connection"),
    (
        caused_by(OperationalError("clients"), psycopg.errors.TooManyConnections("clients")),
        "no_connection",
    ),
    (caused_by(OperationalError("gone"), psycopg.errors.AdminShutdown("terminating")), "lost"),
    (caused_by(OperationalError("gone"), psycopg.OperationalError("EOF detected")), "lost"),
    (caused_by(OperationalError("silent"), NoAnswer(5.0)), "no_answer"),
    (caused_by(OperationalError("slow"), psycopg.errors.QueryCanceled("timeout")), "no_answer"),
    (caused_by(OperationalError("full"), psycopg.errors.DiskFull("no space left")), "disk_full"),
    (caused_by(OperationalError("held"), psycopg.errors.LockNotAvailable("held")), "locked"),
    (caused_by(OperationalError("undone"), psycopg.errors.DeadlockDetected("x")), "undone"),
    (
        caused_by(InternalError("standby"), psycopg.errors.ReadOnlySqlTransaction("standby")),
        "read_only",
    ),
    (caused_by(OperationalError("full"), sqlite(sqlite3.SQLITE_FULL)), "disk_full"),
    (caused_by(OperationalError("busy"), sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT)), "locked"),
    (caused_by(OperationalError("gone"), sqlite(sqlite3.SQLITE_CANTOPEN)), "no_connection"),
]


@pytest.mark.parametrize(("error", "reason"), AWAY, ids=lambda value: str(value)[:30])
def test_every_way_of_being_away_is_told_the_same_and_counted_by_its_reason(
    error: Exception, reason: str
) -> None:
    before = DATABASE_UNAVAILABLE.labels(reason)._value.get()
    problem = unavailable_from(error)
    assert problem is not None
    assert (problem.code, problem.status, bool(problem.retry_after)) == ("unavailable", 503, True)
    assert DATABASE_UNAVAILABLE.labels(reason)._value.get() == before + 1


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), IntegrityError("x"), caused_by(InternalError("x"), psycopg.Error("x"))],
)
def test_a_defect_is_not_taken_for_an_outage(error: Exception) -> None:
    assert unavailable_from(error) is None
