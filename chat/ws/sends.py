"""Group commit: the sends that wait at the moment go into the database together.

A send that finds nobody waiting starts at once, so a lone message is not delayed. Those that come
while it is being written wait for it, and then share one transaction and one flush to disk. A
conversation that somebody else has locked leaves the common lane for one of its own, and comes back
when nothing of it waits any more: it holds nobody else up.
"""

import asyncio
from collections import deque
from typing import NamedTuple
from uuid import UUID

from chat.actions.sending import Busy, Draft, Sent, send_messages
from pneumatic.lib import threads
from pneumatic.lib.errors import ProblemError, Unavailable
from pneumatic.lib.perloop import PerLoop
from pneumatic.lib.threads import in_database

#: Messages in one transaction: enough to share its cost, few enough to keep it short.
_TOGETHER = 100


class _Waiting(NamedTuple):
    draft: Draft
    answer: asyncio.Future[Sent]
    #: By the event loop's clock: when its sender gives up.
    until: float

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class _Lane:
    """Sends that go one transaction after the other."""

    def __init__(self) -> None:
        self.waiting: deque[_Waiting] = deque()
        self.task: asyncio.Task[None] | None = None


class SendQueue:
    """One event loop's waiting sends, each with the future of its answer."""

    def __init__(self) -> None:
        self._common = _Lane()
        self._own: dict[UUID, _Lane] = {}

    async def send(self, draft: Draft) -> Sent:
        """Store the message. Raises `ProblemError`s as `send_message` does, or `Unavailable`.

        The latter comes within `threads.SECONDS`, however long those before it take; what hasn't
        come to its turn by then is dropped.
        """
        loop = asyncio.get_running_loop()
        one = _Waiting(draft, loop.create_future(), loop.time() + threads.SECONDS)
        lane = self._own.get(draft.conversation_id, self._common)
        self._enter(lane, [one])
        try:
            async with asyncio.timeout_at(one.until) as patience:
                return await one.answer
        except TimeoutError:
            if not patience.expired():
                raise
            raise _too_late() from None

    async def settle(self) -> None:
        """Return when nothing waits any more."""
        while tasks := {
            lane.task
            for lane in (self._common, *self._own.values())
            if lane.task is not None and not lane.task.done()
        }:
            await asyncio.wait(tasks)

    def _enter(self, lane: _Lane, some: list[_Waiting]) -> None:
        lane.waiting.extend(some)
        if lane.task is None or lane.task.done():
            lane.task = asyncio.get_running_loop().create_task(self._run(lane))

    async def _run(self, lane: _Lane) -> None:
        while lane.waiting:
            some = [lane.waiting.popleft() for _ in range(min(_TOGETHER, len(lane.waiting)))]
            now = asyncio.get_running_loop().time()
            for late in (one for one in some if one.until <= now):
                late.fail(_too_late())
            some = [one for one in some if one.until > now]
            if not some:
                continue
            try:
                await self._write(some, wait=lane is not self._common)
            except Exception as error:
                for one in some:
                    one.fail(error)
            except BaseException as error:
                # The event loop ends. Nobody shall wait for an answer that can't come.
                for one in (*some, *lane.waiting):
                    one.fail(error)
                raise
        for conversation_id in [key for key, each in self._own.items() if each is lane]:
            del self._own[conversation_id]

    async def _write(self, some: list[_Waiting], *, wait: bool) -> None:
        try:
            drafts = [one.draft for one in some]
            results = await in_database(send_messages, drafts=drafts, wait=wait)
        except ProblemError:
            raise
        except Exception:
            if len(some) == 1:
                raise
            # Something about one of them that nobody foresaw: the others shall not pay for it.
            for one in some:
                try:
                    await self._write([one], wait=wait)
                except Exception as error:
                    one.fail(error)
            return
        for one, result in zip(some, results, strict=True):
            if isinstance(result, Busy):
                lane = self._own.setdefault(one.draft.conversation_id, _Lane())
                self._enter(lane, [one])
            elif isinstance(result, ProblemError):
                one.fail(result)
            elif not one.answer.done():  # else the socket is gone; its device will ask again
                one.answer.set_result(result)


def _too_late() -> Unavailable:
    return Unavailable("The database doesn't answer; try again.", retry_after=2)


_queues = PerLoop(SendQueue)


def send_queue() -> SendQueue:
    """The running event loop's queue, made at the first call."""
    return _queues.get()
