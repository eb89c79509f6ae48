"""A connection on which an event loop asks the same few statements again and again.

psycopg's cursors find out anew each time what such a statement is, how its parameters are written
and its rows are read, and its waits begin and end to watch the socket: all that takes longer than
to write and to read. Here it is known after the first time, and the socket is watched as long as
the connection is used. Converters, libpq and errors are psycopg's.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar

import psycopg
from psycopg import abc, errors, generators, pq
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer

from pneumatic.lib.database.postgres import NoAnswer, given_up

RV = TypeVar("RV")
Rows = list[tuple[Any, ...]]
Answered = Callable[[Rows | Exception], object]

_INTERVAL: Final = 0.1  # as in psycopg


class _Question:
    """A statement that was sent."""

    __slots__ = ("answered", "context", "results", "sent_at")

    def __init__(self, answered: Answered) -> None:
        self.answered = answered
        #: Of whoever asks: the socket is watched in nobody's.
        self.context = copy_context()
        self.sent_at = time.monotonic()
        self.results: list[Any] = []


class LoopConnection(psycopg.AsyncConnection[Any]):
    """One in autocommit, whose waits end when whoever has borrowed it gives up."""

    #: By `time.monotonic`; None while nobody has it.
    until: float | None = None
    #: By `time.monotonic`: when it came from its pool.
    fetched_at = float("-inf")
    #: Made when it is first needed: psycopg adds the adapters of the context after `__init__`.
    _converter: abc.Transformer | None = None
    #: What is to be answered next.
    _question: _Question | None = None
    #: The event loop that watches the socket, and the socket.
    _watched: tuple[asyncio.AbstractEventLoop, int] | None = None
    #: Looks now and then whether a statement takes too long: one for each would cost as much as to
    #: send it.
    _clock: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: By the statement's text and its parameters' types.
        self._names_of: dict[tuple[str, tuple[int, ...]], bytes] = {}

    # --- As psycopg has it ----------------------------------------------------------------------

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = _INTERVAL,
        timeout: float | None = None,  # noqa: ASYNC109  # as psycopg has it
    ) -> RV:
        self._watch_no_more()  # psycopg does that itself
        if self.until is None:
            return await super().wait(gen, interval, timeout)
        began = time.monotonic()
        left = max(0.0, self.until - began)
        try:
            return await super().wait(gen, interval, left)
        except psycopg.OperationalError as error:
            given_up(self, error, waited=time.monotonic() - began, left=left)
            raise

    async def close(self) -> None:
        self._watch_no_more()
        await super().close()
        self._finish()

    # --- Our statements -------------------------------------------------------------------------

    async def ask(
        self, sql: str, parameters: Sequence[object], meanwhile: Callable[[], object]
    ) -> Rows:
        """What this statement of ours returns, prepared at the first time.

        Its parameters are written ``%s``. ``meanwhile`` is called when it has been sent. Raises
        what psycopg raises.
        """
        answer: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()

        def answered(outcome: Rows | Exception) -> None:
            if answer.done():
                return  # Who asked is gone.
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

        while not self.begin(sql, parameters, meanwhile, answered):
            await self.wait(self._preparing(sql, parameters))
        try:
            return await answer
        finally:
            if self._question is not None:
                # Who asked has given up. What is answered now is the answer to nothing else.
                self._end(psycopg.OperationalError("Nobody waits for the answer any more."))

    def begin(
        self,
        sql: str,
        parameters: Sequence[object],
        meanwhile: Callable[[], object],
        answered: Answered,
    ) -> bool:
        """Send it, if it is prepared; whether it was.

        ``answered`` is called later, with the rows or with an error of psycopg's. To be called
        while `until` says how long that may take. Raises what psycopg raises.
        """
        values, types, formats = self._converted(parameters)
        name = self._names_of.get((sql, types))
        if name is None:
            return False
        loop = asyncio.get_running_loop()
        try:
            self.pgconn.send_query_prepared(name, values, formats, pq.Format.BINARY)
            self._question = _Question(answered)
            self._look_at_the_clock(loop)
            self._watch(loop)
            self._flush()
            meanwhile()
        except BaseException:
            self._question = None
            self._finish()
            raise
        return True

    def _converted(
        self, parameters: Sequence[object]
    ) -> tuple[Sequence[Any], tuple[int, ...], Sequence[Any] | None]:
        converter = self._converter = self._converter or Transformer(self)
        values = converter.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        return values, converter.types or (), converter.formats

    def _preparing(self, sql: str, parameters: Sequence[object]) -> PQGen[None]:
        _, types, _ = self._converted(parameters)
        name = f"loop_{len(self._names_of)}".encode()
        self.pgconn.send_prepare(name, _numbered(sql, parameters), types)
        _good((yield from generators.execute(self.pgconn)), pq.ExecStatus.COMMAND_OK)
        self._names_of[sql, types] = name

    # --- Its socket -----------------------------------------------------------------------------

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._watched is None:
            self._watched = loop, self.pgconn.socket
            Context().run(loop.add_reader, self.pgconn.socket, self._readable)

    def _watch_no_more(self) -> None:
        if self._watched is not None:
            loop, socket = self._watched
            self._watched = None
            loop.remove_reader(socket)
            loop.remove_writer(socket)

    def _flush(self) -> None:
        """Send what libpq couldn't: the rest waits until the socket takes it."""
        if self._watched is not None and self.pgconn.flush():
            loop, socket = self._watched
            Context().run(loop.add_writer, socket, self._writable)

    def _writable(self) -> None:
        if self._watched is not None:
            loop, socket = self._watched
            loop.remove_writer(socket)
        try:
            self._flush()
        except psycopg.Error as error:
            self._end(error)

    def _readable(self) -> None:
        question, results = self._question, [] if self._question is None else self._question.results
        try:
            self.pgconn.consume_input()
            while not self.pgconn.is_busy():
                result = self.pgconn.get_result()
                if result is None:
                    break
                results.append(result)
            else:
                return  # More will come.
        except psycopg.Error as error:
            # Also where nobody has asked anything: then whoever comes next finds it closed.
            self._finish()
            self._end(error)
            return
        if question is not None:
            self._end(self._read(results))

    def _read(self, results: Sequence[Any]) -> Rows | Exception:
        converter = self._converter = self._converter or Transformer(self)
        try:
            result = _good(results, pq.ExecStatus.TUPLES_OK)
            converter.set_pgresult(result)
            return converter.load_rows(0, result.ntuples, tuple)
        except psycopg.Error as error:
            return error

    def _look_at_the_clock(self, loop: asyncio.AbstractEventLoop) -> None:
        left = 0.0 if self.until is None else self.until - time.monotonic()
        if self._clock is None or self._clock.when() > loop.time() + left:
            if self._clock is not None:
                self._clock.cancel()
            self._clock = Context().run(loop.call_later, max(0.0, left), self._time_is_up, loop)

    def _time_is_up(self, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = None
        if self._question is None:
            return
        if self.until is not None and self.until > time.monotonic():
            # It was another's, that was answered since.
            self._look_at_the_clock(loop)
        else:
            self._end(NoAnswer(time.monotonic() - self._question.sent_at))

    def _end(self, outcome: Rows | Exception) -> None:
        question, self._question = self._question, None
        if self.pgconn.transaction_status != pq.TransactionStatus.IDLE:
            # Whatever it says later is not the answer to what is asked then.
            self._finish()
        if question is not None:
            question.context.run(question.answered, outcome)

    def _finish(self) -> None:
        self._watch_no_more()
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        self.pgconn.finish()


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
