"""Sends go into the database together, as `groupcommit` says.

There are a few common lanes, so that one is answered while the database works on another; all of a
conversation goes through the same. One that somebody else has locked leaves its common lane for one
of its own, and comes back when nothing of it waits any more: it holds nobody else up.
"""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from chat.actions.sending import Busy, Draft, Result, Sent, asend_messages
from chat.ws.groupcommit import GroupCommit
from pneumatic.lib.database import threads
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.perloop import PerLoop

#: Messages in one transaction: enough to share its cost, few enough to keep it short.
_TOGETHER: Final = 100
_COMMON_LANES: Final = 2

_Lane = GroupCommit[Draft, Sent | Busy]


async def _at_once(drafts: Sequence[Draft]) -> list[Result]:
    return await asend_messages(drafts=drafts, wait=False)


async def _in_time(drafts: Sequence[Draft]) -> list[Result]:
    return await asend_messages(drafts=drafts)


class SendQueue:
    """One event loop's waiting sends."""

    def __init__(self) -> None:
        self._common = [_Lane(_at_once, _TOGETHER) for _ in range(_COMMON_LANES)]
        self._own: dict[UUID, _Lane] = {}

    async def send(self, draft: Draft) -> Sent:
        """Store the message. Raises `ProblemError`s as `send_message` does, or `Unavailable`.

        The latter comes within `threads.SECONDS`, as `GroupCommit.ask` says.
        """
        until = asyncio.get_running_loop().time() + threads.SECONDS
        if draft.conversation_id not in self._own:
            common = self._common[draft.conversation_id.int % _COMMON_LANES]
            result = await common.ask(draft, until)
            if isinstance(result, Sent):
                return result
        lane = self._own.setdefault(draft.conversation_id, _Lane(_in_time, _TOGETHER))
        try:
            result = await lane.ask(draft, until)
        finally:
            if lane.is_idle and self._own.get(draft.conversation_id) is lane:
                del self._own[draft.conversation_id]
        if isinstance(result, Busy):
            raise Unavailable
        return result

    async def settle(self) -> None:
        """Return when nothing waits any more."""
        while busy := [lane for lane in (*self._common, *self._own.values()) if not lane.is_idle]:
            for lane in busy:
                await lane.settle()


_queues = PerLoop(SendQueue)


def send_queue() -> SendQueue:
    """The running event loop's queue, made at the first call."""
    return _queues.get()
