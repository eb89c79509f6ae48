"""Statements that the event loop sends to PostgreSQL itself, each a transaction of its own.

The way through a thread and Django's connection (`threads`) takes longer than such a statement.
Whoever comes here brings the text of it; what is asked once in a while, or takes several
statements, goes through there.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, NoReturn

import psycopg
import psycopg_pool
import structlog
from django.conf import settings
from django.db import connections
from psycopg.pq import TransactionStatus

from pneumatic.lib import tracing
from pneumatic.lib.database import threads
from pneumatic.lib.database.loopconnection import LoopConnection, Rows
from pneumatic.lib.database.outages import ATTEMPTS, leads_nowhere, unavailable_from, was_undone
from pneumatic.lib.database.postgres import NoAnswer
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.perloop import PerLoop

log = structlog.get_logger(__name__)

#: How long a statement lasts at most, in seconds, waiting for a connection included.
SECONDS: Final = threads.SECONDS
#: How long a connection is kept at hand, in seconds: who uses it after that gives it back to its
#: pool, which sees whether it is too old.
_KEPT: Final = 30.0


class _Connections:
    """One event loop's. Made as Django's are, but for the class."""

    def __init__(self) -> None:
        asked = connections["default"].get_connection_params()
        del asked["cursor_factory"]
        own = {"connection_class": LoopConnection, "max_size": settings.LOOP_CONNECTIONS}
        self.pool = psycopg_pool.AsyncConnectionPool(
            kwargs={**asked, "autocommit": True},
            configure=_configure,
            open=False,
            num_workers=1,
            **{**connections["default"].settings_dict["OPTIONS"]["pool"], **own},
        )
        self._renewed_at = self._drained_at = float("-inf")
        #: At hand: to fetch one from the pool and to give it back takes longer than to write to it.
        self._kept: list[LoopConnection] = []
        self._waiting = 0
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def at_hand(self) -> LoopConnection | None:
        """One that nobody has, if one is to be had without waiting."""
        while self._kept:
            found = self._kept.pop()
            if not found.closed:
                return found
            self.give_back_soon(found)
        return None

    async def borrow(self, until: float) -> LoopConnection:
        """One that nobody else has by then (`time.monotonic`). Raises `PoolTimeout`."""
        if (found := self.at_hand()) is not None:
            return found
        if self.pool.closed:
            await self.pool.open()
        self._waiting += 1
        try:
            while True:
                timeout = max(0.0, min(self.pool.timeout, until - time.monotonic()))
                fetched: LoopConnection = await self.pool.getconn(timeout)
                if not fetched.closed:
                    break
                await self.pool.putconn(fetched)  # It was cut while it waited there.
        finally:
            self._waiting -= 1
        fetched.fetched_at = time.monotonic()
        return fetched

    async def give_back(self, borrowed: LoopConnection) -> None:
        """Keep it at hand, unless somebody waits for one or it is to be seen to."""
        if not self._keep(borrowed):
            await self.pool.putconn(borrowed)

    def give_back_soon(self, borrowed: LoopConnection) -> None:
        """The same where nobody can wait for that."""
        if not self._keep(borrowed):
            self._spawn(self.pool.putconn(borrowed))

    def _keep(self, borrowed: LoopConnection) -> bool:
        borrowed.until = None
        if (
            self._waiting
            or self._closed
            or borrowed.pgconn.transaction_status != TransactionStatus.IDLE
            or borrowed.fetched_at <= self._drained_at
            or time.monotonic() >= borrowed.fetched_at + _KEPT
        ):
            return False
        self._kept.append(borrowed)
        return True

    def renew_soon(self) -> None:
        """As `renew`, where nobody can wait for it."""
        self._spawn(self.renew())

    async def renew(self) -> None:
        """Replace those that wait, not more than once a second: they lead to the same place."""
        if time.monotonic() >= self._renewed_at + 1:
            self._renewed_at = time.monotonic()
            # First this: the pool then closes what is given back, now or by whoever has it.
            await self.pool.drain()
            self._drained_at = time.monotonic()
            await self._put_all()

    async def close(self) -> None:
        """Close them all; those that somebody has, when they are given back."""
        self._closed = True
        await self._put_all()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pool.close()

    async def _put_all(self) -> None:
        while self._kept:
            await self.pool.putconn(self._kept.pop())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _configure(connection: LoopConnection) -> None:
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
        await known.close()


async def rows(
    sql: str, parameters: Sequence[object], meanwhile: Callable[[], object] = tuple
) -> Rows:
    """What the statement returns; each connection has it parsed once.

    ``meanwhile`` is called when it has been sent, for what can be done while the database works:
    more than once where the statement is begun anew, because another transaction undid it.
    Raises `Unavailable` where the database doesn't answer, or not within ``SECONDS`` (then it may
    still have been done), else what Django raises.
    """
    known, until = _connections.get(), time.monotonic() + SECONDS
    for left in reversed(range(ATTEMPTS)):
        try:
            with tracing.span("database", sql=sql):
                borrowed = await known.borrow(until)
                try:
                    borrowed.until = until
                    return await borrowed.ask(sql, parameters, meanwhile)
                finally:
                    await known.give_back(borrowed)
        except psycopg.Error as error:
            if left and was_undone(error):
                # The other one has what it wanted, so there is nothing to wait for.
                log.info("transaction_repeated", error=repr(error))
                continue
            await _raise(error, known)
    raise Unavailable  # pragma: no cover  # the last attempt has returned, or raised


def begin(
    sql: str,
    parameters: Sequence[object],
    answered: Callable[[Rows | None], object],
    meanwhile: Callable[[], object] = tuple,
) -> bool:
    """Ask what `rows` would, if nothing has to be waited for first; whether it was asked.

    ``answered`` is called later: with the rows, or with None where it failed, and `rows` has to
    find out what to do about that. Within ``SECONDS``.
    """
    if tracing.is_on():
        return False  # A span begins and ends in one context.
    known = _connections.get()
    borrowed = known.at_hand()
    if borrowed is None:
        return False
    borrowed.until = time.monotonic() + SECONDS
    begun = False
    try:
        begun = borrowed.begin(
            sql, parameters, meanwhile, partial(_ended, known, borrowed, answered)
        )
    except psycopg.Error as error:
        # It was cut, which nobody has heard of until now. `rows` has another.
        log.info("connection_lost", error=repr(error))
    finally:
        if not begun:
            known.give_back_soon(borrowed)
    return begun


def _ended(
    known: _Connections,
    borrowed: LoopConnection,
    answered: Callable[[Rows | None], object],
    outcome: Rows | Exception,
) -> None:
    known.give_back_soon(borrowed)
    if not isinstance(outcome, Exception):
        answered(outcome)
        return
    try:
        if isinstance(outcome, NoAnswer):
            _unavailable(outcome)  # There is no time left in which `rows` could find out.
        if leads_nowhere(outcome):
            known.renew_soon()
    finally:
        answered(None)


def _unavailable(error: Exception) -> Unavailable | None:
    problem = unavailable_from(error)
    if problem is not None:
        log.warning("database_unavailable", error=f"{type(error).__name__}: {error}".strip())
    return problem


async def _raise(error: psycopg.Error, known: _Connections) -> NoReturn:
    problem = _unavailable(error)
    if problem is None:
        with connections["default"].wrap_database_errors:
            raise error
    if leads_nowhere(error):
        await known.renew()
    raise problem from error
