"""Statements that the event loop sends to PostgreSQL itself, each a transaction of its own.

The way through a thread and Django's connection (`threads`) takes longer than such a statement.
Whoever comes here brings the text of it; what is asked once in a while, or takes several
statements, goes through there.
"""

import time
from collections.abc import Sequence
from typing import Any, Final, NoReturn, TypeVar

import psycopg
import psycopg_pool
import structlog
from django.conf import settings
from django.db import connections
from psycopg.abc import PQGen

from pneumatic.lib import tracing
from pneumatic.lib.database import threads
from pneumatic.lib.database.outages import ATTEMPTS, leads_nowhere, unavailable_from, was_undone
from pneumatic.lib.database.postgres import given_up
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.perloop import PerLoop

log = structlog.get_logger(__name__)

RV = TypeVar("RV")
Rows = list[tuple[Any, ...]]

#: How long a statement lasts at most, in seconds, waiting for a connection included.
SECONDS: Final = threads.SECONDS
_INTERVAL: Final = 0.1  # as in psycopg


class _Connection(psycopg.AsyncConnection[Any]):
    """A connection whose waits end when whoever has borrowed it gives up."""

    #: By `time.monotonic`; None while nobody has it.
    until: float | None = None

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = _INTERVAL,
        timeout: float | None = None,  # noqa: ASYNC109  # as psycopg has it
    ) -> RV:
        if self.until is None:
            return await super().wait(gen, interval, timeout)
        began = time.monotonic()
        left = max(0.0, self.until - began)
        try:
            return await super().wait(gen, interval, left)
        except psycopg.OperationalError as error:
            given_up(self, error, waited=time.monotonic() - began, left=left)
            raise


class _Connections:
    """One event loop's. Made as Django's are, but for the class."""

    def __init__(self) -> None:
        asked = connections["default"].get_connection_params()
        del asked["cursor_factory"]
        own = {"connection_class": _Connection, "max_size": settings.LOOP_CONNECTIONS}
        self.pool = psycopg_pool.AsyncConnectionPool(
            kwargs={**asked, "autocommit": True},
            configure=_configure,
            open=False,
            num_workers=1,
            **{**connections["default"].settings_dict["OPTIONS"]["pool"], **own},
        )
        self._renewed_at = float("-inf")

    async def renew(self) -> None:
        """Replace those that wait, not more than once a second: they lead to the same place."""
        if time.monotonic() >= self._renewed_at + 1:
            self._renewed_at = time.monotonic()
            await self.pool.drain()


async def _configure(connection: _Connection) -> None:
    connection.until = time.monotonic() + SECONDS
    try:
        # Whoever comes here calls a function, which keeps its own plans: to plan the call itself
        # anew each time would take a tenth of a lone message's time.
        await connection.execute(
            "SELECT set_config('TimeZone', %s, false),"
            " set_config('plan_cache_mode', 'force_generic_plan', false)",
            [connections["default"].timezone_name],
        )
    finally:
        connection.until = None


_connections = PerLoop(_Connections)


async def close() -> None:
    """Close the running event loop's connections, if it has any."""
    known = _connections.pop()
    if known is not None:
        await known.pool.close()


async def rows(sql: str, parameters: Sequence[object]) -> Rows:
    """What the statement returns; each connection has it parsed once.

    Begun anew where another transaction undid it. Raises `Unavailable` where the database doesn't
    answer, or not within ``SECONDS`` (then it may still have been done), else what Django raises.
    """
    known, until = _connections.get(), time.monotonic() + SECONDS
    for left in reversed(range(ATTEMPTS)):
        try:
            with tracing.span("database", sql=sql):
                return await _rows(known.pool, sql, parameters, until)
        except psycopg.Error as error:
            if left and was_undone(error):
                # The other one has what it wanted, so there is nothing to wait for.
                log.info("transaction_repeated", error=repr(error))
                continue
            await _raise(error, known)
    raise Unavailable  # pragma: no cover  # the last attempt has returned, or raised


async def _raise(error: psycopg.Error, known: _Connections) -> NoReturn:
    problem = unavailable_from(error)
    if problem is None:
        with connections["default"].wrap_database_errors:
            raise error
    log.warning("database_unavailable", error=f"{type(error).__name__}: {error}".strip())
    if leads_nowhere(error):
        await known.renew()
    raise problem from error


async def _rows(
    pool: psycopg_pool.AsyncConnectionPool[Any],
    sql: str,
    parameters: Sequence[object],
    until: float,
) -> Rows:
    if pool.closed:
        await pool.open()
    borrowed = await pool.getconn(max(0.0, min(pool.timeout, until - time.monotonic())))
    try:
        borrowed.until = until
        cursor = await psycopg.AsyncCursor(borrowed).execute(sql, parameters, prepare=True)
        return await cursor.fetchall()
    finally:
        borrowed.until = None
        await pool.putconn(borrowed)
