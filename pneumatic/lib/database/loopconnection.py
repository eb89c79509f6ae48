"""A connection on which an event loop asks the same few statements again and again.

psycopg's cursors find out anew each time what such a statement is, how its parameters are written
and its rows are read, which takes as long as to write and to read them. Here that is known after
the first time; converters, libpq and errors are psycopg's.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import psycopg
from psycopg import abc, errors, generators, pq
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer

from pneumatic.lib.database.postgres import given_up

RV = TypeVar("RV")
Rows = list[tuple[Any, ...]]

_INTERVAL: Final = 0.1  # as in psycopg


class LoopConnection(psycopg.AsyncConnection[Any]):
    """One in autocommit, whose waits end when whoever has borrowed it gives up."""

    #: By `time.monotonic`; None while nobody has it.
    until: float | None = None
    #: By `time.monotonic`: when it came from its pool.
    fetched_at = float("-inf")
    #: Made when it is first needed: psycopg adds the adapters of the context after `__init__`.
    _converter: abc.Transformer | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: By the statement's text and its parameters' types.
        self._names_of: dict[tuple[str, tuple[int, ...]], bytes] = {}

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

    async def ask(
        self, sql: str, parameters: Sequence[object], meanwhile: Callable[[], object]
    ) -> Rows:
        """What this statement of ours returns, prepared at the first time.

        Its parameters are written ``%s``. ``meanwhile`` is called when it has been sent. Raises
        what psycopg raises.
        """
        return await self.wait(self._asking(sql, parameters, meanwhile))

    def _asking(
        self, sql: str, parameters: Sequence[object], meanwhile: Callable[[], object]
    ) -> PQGen[Rows]:
        converter = self._converter = self._converter or Transformer(self)
        values = converter.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        types, formats = converter.types or (), converter.formats
        name = self._names_of.get((sql, types))
        if name is None:
            name = f"loop_{len(self._names_of)}".encode()
            self.pgconn.send_prepare(name, _numbered(sql, parameters), types)
            _good((yield from generators.execute(self.pgconn)), pq.ExecStatus.COMMAND_OK)
            self._names_of[sql, types] = name
        self.pgconn.send_query_prepared(name, values, formats, pq.Format.BINARY)
        meanwhile()
        results = yield from generators.execute(self.pgconn)
        result = _good(results, pq.ExecStatus.TUPLES_OK)
        converter.set_pgresult(result)
        return converter.load_rows(0, result.ntuples, tuple)


def _numbered(sql: str, parameters: Sequence[object]) -> bytes:
    """As PostgreSQL writes parameters."""
    return (sql % tuple(f"${number}" for number in range(1, len(parameters) + 1))).encode()


def _good(results: Sequence[Any], status: pq.ExecStatus) -> Any:
    """The result. What fails only at the commit, as a deferred constraint does, is one more."""
    for result in results:
        if result.status != status:
            raise errors.error_from_result(result)
    if not results:
        raise errors.InternalError("got no result from the query")
    return results[0]
