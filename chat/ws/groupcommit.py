"""Group commit: what waits at the moment goes into the database together.

What finds nobody waiting starts at once, so that a lone one is not delayed. Those that come while
it is being written wait for it, and then share one transaction and one flush to disk.

A lone one may have a way of its own, without any task: at an easy pace, when everything has gone
cold, tasks and futures take as long as all that is done for the message.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from pneumatic.lib.database import threads
from pneumatic.lib.errors import ProblemError, Unavailable

Q = TypeVar("Q")
A = TypeVar("A")

#: Called with the answer, or with None where it has to be asked the ordinary way.
Told = Callable[[A | None], object]


class _Waiting(NamedTuple, Generic[Q, A]):
    question: Q
    answer: asyncio.Future[A]
    #: By the event loop's clock: when whoever asks gives up.
    until: float

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def give_up(self) -> None:
        self.fail(Unavailable("The database doesn't answer; try again.", retry_after=2))


class GroupCommit(Generic[Q, A]):
    """One event loop's questions of a kind, each with the future of its answer.

    `write` answers up to `together` of them, in their order, in one transaction; a `ProblemError`
    is an answer as well, and is raised to who asked. `begin` begins to do that for one, and calls
    back later, within `threads.SECONDS`; or it returns False.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Q]], Awaitable[Sequence[A | ProblemError]]],
        together: int,
        begin: Callable[[Q, Told[A]], bool] = lambda _, __: False,
    ) -> None:
        self._write = write
        self._begin = begin
        self._together = together
        self._waiting: deque[_Waiting[Q, A]] = deque()
        self._task: asyncio.Task[None] | None = None
        #: Whether one is being written that `begin` has begun.
        self._alone = False
        self._when_idle: list[Callable[[], object]] = []

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or is being written."""
        return not self._alone and (self._task is None or self._task.done())

    def when_idle(self, call: Callable[[], object]) -> None:
        """Call this as soon as nothing waits or is being written: now, or later."""
        if self.is_idle:
            call()
        elif self._alone:
            self._when_idle.append(call)
        elif self._task is not None:
            self._task.add_done_callback(lambda _: self.when_idle(call))

    def begin(self, question: Q, told: Told[A]) -> bool:
        """Ask it without a task, if nobody else asks anything and it can be; whether it is asked.

        `told` is called later, with the answer, or with None where `ask` has to find out. Raises
        the `ProblemError` that is known before.
        """
        if not self.is_idle:
            return False
        # Only then: who asks anything in the meantime waits.
        self._alone = self._begin(question, partial(self._ended_alone, told))
        return self._alone

    def _ended_alone(self, told: Told[A], answer: A | None) -> None:
        self._alone = False
        if self._waiting:
            self._task = asyncio.get_running_loop().create_task(self._run())
        calls, self._when_idle = self._when_idle, []
        try:
            for call in calls:
                self.when_idle(call)
        finally:
            told(answer)

    async def ask(self, question: Q, until: float | None = None) -> A:
        """The answer. Raises the `ProblemError` that it is, or `Unavailable`.

        The latter comes `until` then by the event loop's clock, or within `threads.SECONDS`,
        however long those before it take; what hasn't come to its turn by then is dropped.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + threads.SECONDS if until is None else until
        answer: asyncio.Future[A] = loop.create_future()
        one = _Waiting(question, answer, until)
        self._waiting.append(one)
        if self.is_idle:
            self._task = loop.create_task(self._run())
        timer = loop.call_at(until, one.give_up)
        try:
            return await answer
        finally:
            timer.cancel()

    async def settle(self) -> None:
        """Return when nothing waits any more."""
        while not self.is_idle:
            idle = asyncio.Event()
            self.when_idle(idle.set)
            await idle.wait()

    async def _run(self) -> None:
        while some := self._next():
            try:
                await self._answer(some)
            except Exception as error:
                for one in some:
                    one.fail(error)
            except BaseException:
                # The event loop ends. Nobody shall wait for an answer that can't come.
                for one in (*some, *self._waiting):
                    one.answer.cancel()
                self._waiting.clear()
                raise

    def _next(self) -> list[_Waiting[Q, A]]:
        """Those whose turn it is, without those that come too late.

        Whose asker has gone is among them: a device that closes its socket has still said it.
        """
        some: list[_Waiting[Q, A]] = []
        now = asyncio.get_running_loop().time()
        while self._waiting and len(some) < self._together:
            one = self._waiting.popleft()
            if one.until <= now:
                one.give_up()
            else:
                some.append(one)
        return some

    async def _answer(self, some: Sequence[_Waiting[Q, A]]) -> None:
        try:
            answers = await self._write([one.question for one in some])
        except ProblemError:
            raise
        except Exception:
            if len(some) == 1:
                raise
            # Something about one of them that nobody foresaw: the others shall not pay for it.
            for one in some:
                try:
                    await self._answer([one])
                except Exception as error:
                    one.fail(error)
            return
        for one, answer in zip(some, answers, strict=True):
            if isinstance(answer, ProblemError):
                one.fail(answer)
            elif not one.answer.done():  # else who asked is gone, and will ask again
                one.answer.set_result(answer)
