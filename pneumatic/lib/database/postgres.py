"""How long one piece of work waits for PostgreSQL, whatever has become of it.

The server's own limits (`statement_timeout`, `lock_timeout`) need a server that is well, and those
of TCP are kept by the kernel of one that hangs. Several waits that are each short enough add up,
too. So it is here that they are counted together.
"""

import contextvars
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen

from pneumatic.lib import tracing

if TYPE_CHECKING:  # The settings import this module, and that one reads them.
    from django.db.backends.base.base import BaseDatabaseWrapper

RV = TypeVar("RV")

#: Seconds after which a server that says nothing isn't just waiting for a lock, which it gives up
#: after 3 (`lock_timeout` in the settings).
SILENCE: Final = 3.5
_INTERVAL: Final = 0.1  # as in psycopg: how often a wait looks whether it was interrupted


class NoAnswer(psycopg.OperationalError):
    """PostgreSQL has not answered in the time that was left; the connection is closed.

    What was asked may still be done: nothing is known about it.
    """

    def __init__(self, waited: float) -> None:
        super().__init__(f"no answer within {waited:.1f} s")
        #: Whether it was silent for longer than a healthy server is.
        self.is_lost = waited >= SILENCE


def given_up(
    connection: psycopg.BaseConnection[Any],
    error: psycopg.OperationalError,
    *,
    waited: float,
    left: float,
) -> None:
    """Close a connection that was waited for in vain, and raise `NoAnswer`; else do nothing.

    ``error`` is what the wait ended with, and ``left`` how long it was to last.
    """
    if error.sqlstate is None and waited >= left:
        # Whatever it says later is not the answer to what is asked then.
        connection.pgconn.finish()
        raise NoAnswer(waited) from None


class _Patience:
    """The seconds that are left."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        #: When it began; None from the first statement on.
        self.began: float | None = time.monotonic()


_patience: contextvars.ContextVar[_Patience | None] = contextvars.ContextVar(
    "patience", default=None
)


def be_patient_for(seconds: float) -> contextvars.Token[_Patience | None]:
    """From now on, in this context, statements wait for so many seconds in all.

    What passes before the first of them counts, because that is how long a connection was waited
    for; what passes between them doesn't.
    """
    return _patience.set(_Patience(seconds))


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """The same for a block."""
    token = be_patient_for(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose waits end with the patience of the context; without one they last."""

    def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:
        found = _patience.get()
        if found is None:
            return super().wait(gen, interval, timeout)
        began = time.monotonic()
        if found.began is not None:
            found.left -= began - found.began
            found.began = None
        left = max(0.0, found.left)
        try:
            return super().wait(gen, interval, left if timeout is None else min(left, timeout))
        except psycopg.OperationalError as error:
            given_up(self, error, waited=time.monotonic() - began, left=left)
            raise
        finally:
            found.left -= time.monotonic() - began


def one_statement(
    database: "BaseDatabaseWrapper", sql: str, parameters: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """The rows of a statement that is a transaction itself; each connection has it parsed once.

    Where the thread has no connection yet, one is borrowed from Django's pool for this statement
    alone: what Django does to make it its own takes as long as the statement. Raises what Django
    raises. To be called outside of a transaction.
    """
    pool = getattr(database, "pool", None)
    if database.connection is not None or pool is None:
        with database.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())
    # The instrumentation knows Django's cursors only.
    with database.wrap_database_errors, tracing.span("database", sql=sql):
        pool.open()
        borrowed = pool.getconn()
        try:
            if not borrowed.autocommit:  # It came back from a transaction that broke.
                borrowed.autocommit = True
            return psycopg.Cursor(borrowed).execute(sql, parameters, prepare=True).fetchall()
        finally:
            pool.putconn(borrowed)
