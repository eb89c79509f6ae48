"""Read and delivered positions go into the database together, as `groupcommit` says.

They come with every message from every device that received it. Of what waits, a person's marks in
one conversation become one: the furthest.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from accounts.models import User
from chat.actions.receipts import Mark, amark_all
from chat.errors import NoSuchConversation
from chat.models import Membership
from chat.ws.groupcommit import GroupCommit
from pneumatic.lib.perloop import PerLoop

#: Marks in one transaction: enough to share its cost, few enough to keep it short.
_TOGETHER: Final = 200


class MarkQueue(GroupCommit[Mark, Membership]):
    """One event loop's waiting marks."""

    def __init__(self) -> None:
        super().__init__(_mark_furthest, _TOGETHER)

    async def mark(
        self, user: User, conversation_id: UUID, *, read: int = 0, delivered: int
    ) -> None:
        """Move the person's position. Raises `NoSuchConversation`, or `Unavailable` in time."""
        await self.ask(Mark(user, conversation_id, read, delivered))


async def _mark_furthest(marks: Sequence[Mark]) -> list[Membership | NoSuchConversation]:
    furthest: dict[tuple[UUID, UUID], Mark] = {}
    for mark in marks:
        key = mark.user.id, mark.conversation_id
        before = furthest.get(key, mark)
        furthest[key] = mark._replace(
            read=max(mark.read, before.read), delivered=max(mark.delivered, before.delivered)
        )
    results = await amark_all(marks=list(furthest.values()))
    by_key = dict(zip(furthest, results, strict=True))
    return [by_key[mark.user.id, mark.conversation_id] for mark in marks]


_queues = PerLoop(MarkQueue)


def mark_queue() -> MarkQueue:
    """The running event loop's queue, made at the first call."""
    return _queues.get()
