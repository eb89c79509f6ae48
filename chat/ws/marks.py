"""Read and delivered positions that wait at the moment go into the database together.

They come with every message from every device that received it. One that finds nobody waiting
starts at once; those that come meanwhile share the next transaction, and a person's marks in one
conversation become one: the furthest.
"""

import asyncio
from typing import NamedTuple
from uuid import UUID

from accounts.models import User
from chat.actions.receipts import Mark, mark_all
from pneumatic.lib import threads
from pneumatic.lib.errors import ProblemError, Unavailable
from pneumatic.lib.perloop import PerLoop
from pneumatic.lib.threads import in_database

#: Marks in one transaction: enough to share its cost, few enough to keep it short.
_TOGETHER = 200

_Key = tuple[UUID, UUID]


class _Waiting(NamedTuple):
    mark: Mark
    #: Shared by all who said the same of themselves.
    done: asyncio.Future[None]

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # Asked for here: everybody who waited may be gone.


class MarkQueue:
    """One event loop's waiting marks, by person and conversation."""

    def __init__(self) -> None:
        self._waiting: dict[_Key, _Waiting] = {}
        self._task: asyncio.Task[None] | None = None

    async def mark(
        self, user: User, conversation_id: UUID, *, read: int = 0, delivered: int
    ) -> None:
        """Move the person's position, within `threads.SECONDS`.

        Raises `NoSuchConversation`, or `Unavailable`.
        """
        loop = asyncio.get_running_loop()
        key = user.id, conversation_id
        before = self._waiting.get(key)
        if before is not None:
            read, delivered = max(read, before.mark.read), max(delivered, before.mark.delivered)
        mark = Mark(user, conversation_id, read, delivered)
        one = _Waiting(mark, loop.create_future() if before is None else before.done)
        self._waiting[key] = one
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._run())
        try:
            async with asyncio.timeout(threads.SECONDS) as patience:
                # Shielded: others may wait for the same.
                await asyncio.shield(one.done)
        except TimeoutError:
            if not patience.expired():
                raise
            raise Unavailable("The database doesn't answer; try again.", retry_after=2) from None

    async def settle(self) -> None:
        """Return when nothing waits any more."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._waiting:
            keys = list(self._waiting)[:_TOGETHER]
            some = [self._waiting.pop(key) for key in keys]
            try:
                await self._write(some)
            except Exception as error:
                for one in some:
                    one.fail(error)
            except BaseException as error:
                # The event loop ends. Nobody shall wait for an answer that can't come.
                for one in (*some, *self._waiting.values()):
                    one.fail(error)
                raise

    async def _write(self, some: list[_Waiting]) -> None:
        try:
            results = await in_database(mark_all, marks=[one.mark for one in some])
        except ProblemError:
            raise
        except Exception:
            if len(some) == 1:
                raise
            # Something about one of them that nobody foresaw: the others shall not pay for it.
            for one in some:
                try:
                    await self._write([one])
                except Exception as error:
                    one.fail(error)
            return
        for one, result in zip(some, results, strict=True):
            if isinstance(result, ProblemError):
                one.fail(result)
            elif not one.done.done():
                one.done.set_result(None)


_queues = PerLoop(MarkQueue)


def mark_queue() -> MarkQueue:
    """The running event loop's queue, made at the first call."""
    return _queues.get()
