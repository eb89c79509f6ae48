"""Sends go into the database together, as `groupcommit` says.

There are a few common lanes, so that one is answered while the database works on another; all of a
conversation goes through the same. One that somebody else has locked leaves its common lane for one
of its own, and comes back when nothing of it waits any more: it holds nobody else up.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from django.conf import settings

from chat.actions.sending import (
    Busy,
    Draft,
    Result,
    Sent,
    asend_messages,
    begin_send,
    send_messages,
)
from chat.ws.groupcommit import GroupCommit, Told
from pneumatic.lib.database import threads
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.perloop import PerLoop

#: Messages in one transaction: enough to share its cost, few enough to keep it short.
_TOGETHER: Final = 100
#: One on SQLite, which lets one write at a time.
_COMMON_LANES: Final = 2

_Lane = GroupCommit[Draft, Sent | Busy]


def _begin(draft: Draft, told: Told[Sent | Busy]) -> bool:
    return begin_send(draft=draft, answered=told)


async def _at_once(drafts: Sequence[Draft]) -> list[Result]:
    return await asend_messages(drafts=drafts, wait=False)


async def _in_time(drafts: Sequence[Draft]) -> list[Result]:
    # In a thread: the event loop's own connections are few, and this may wait for a lock.
    return await in_database(send_messages, drafts=drafts)


class SendQueue:
    """One event loop's waiting sends."""

    def __init__(self) -> None:
        lanes = 1 if settings.ON_SQLITE else _COMMON_LANES
        self._common = [_Lane(_at_once, _TOGETHER, _begin) for _ in range(lanes)]
        self._own: dict[UUID, _Lane] = {}

    def begin(self, draft: Draft, told: Told[Sent | Busy]) -> bool:
        """Store the message without a task, where nothing has to be waited for first.

        Whether that was begun. `told` is called later, with what was sent, or with anything else
        where `send` has to find out. Raises `BadField`.
        """
        if draft.conversation_id in self._own:
            return False
        return self._common_lane(draft).begin(draft, told)

    async def send(self, draft: Draft, began: float | None = None) -> Sent:
        """Store the message. Raises `ProblemError`s as `send_message` does, or `Unavailable`.

        The latter comes within `threads.SECONDS`, as `GroupCommit.ask` says, of when it `began` by
        the event loop's clock, which is now unless it has been tried before.
        """
        began = asyncio.get_running_loop().time() if began is None else began
        until = began + threads.SECONDS
        if draft.conversation_id not in self._own:
            result = await self._common_lane(draft).ask(draft, until)
            if isinstance(result, Sent):
                return result
        lane = self._own.setdefault(draft.conversation_id, _Lane(_in_time, _TOGETHER))
        try:
            result = await lane.ask(draft, until)
        finally:
            lane.when_idle(partial(self._forget, draft.conversation_id, lane))
        if isinstance(result, Busy):
            raise Unavailable
        return result

    def _common_lane(self, draft: Draft) -> _Lane:
        return self._common[draft.conversation_id.int % len(self._common)]

    def _forget(self, conversation_id: UUID, lane: _Lane) -> None:
        if self._own.get(conversation_id) is lane:
            del self._own[conversation_id]

    async def settle(self) -> None:
        """Return when nothing waits any more."""
        while busy := [lane for lane in (*self._common, *self._own.values()) if not lane.is_idle]:
            for lane in busy:
                await lane.settle()


_queues = PerLoop(SendQueue)


def send_queue() -> SendQueue:
    """The running event loop's queue, made at the first call."""
    return _queues.get()
