"""Pages of conversations and of messages: what everybody asks for all day.

Their queries are put into SQL once, and of each row there is only what is shown of it: Django takes
several times as long to make a query and models as all the rest of such a page does.
"""

from datetime import datetime
from functools import cache
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import BigIntegerField, Exists, Subquery, UUIDField

from accounts.models import User
from chat import limits
from chat.models import Conversation, Message
from chat.queries.conversations import (
    CONVERSATION,
    USER,
    conversation_for,
    own_membership,
    seats_of,
)
from pneumatic.lib.database.stretch import Stretch
from pneumatic.lib.database.written import Given, Written


class ListedConversation(NamedTuple):
    """A conversation with the person's own part in it."""

    id: UUID
    kind: str
    title: str
    topic: str
    created_at: datetime
    archived_at: datetime | None
    last_seq: int
    version: int
    role: str
    read_seq: int
    own_after_read: int
    muted_until: datetime | None
    pinned: bool
    unread_mentions: int


class ListedMessage(NamedTuple):
    id: UUID
    conversation_id: UUID
    seq: int
    version: int
    sender_id: UUID | None
    kind: str
    body: str
    reply_to_id: UUID | None
    mentioned: list[str]
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    pinned_at: datetime | None


class Page(NamedTuple):
    """Messages in ascending order, and whether there are more on either side."""

    messages: list[ListedMessage]
    has_before: bool
    has_after: bool


def conversations_of(user: User, stretch: Stretch) -> list[ListedConversation]:
    """Some of the conversations that the person is in now, in the order of their ids."""
    query = _conversations(stretch.is_descending, stretch.beyond is not None)
    given = {"user": user.pk, "beyond": stretch.beyond}
    rows = query.rows(given, first=stretch.first, most=stretch.most)
    return [ListedConversation(*row) for row in rows]


@cache
def _conversations(is_descending: bool, is_beyond: bool) -> Written:
    rows = seats_of(USER)
    if is_beyond:
        way = "lt" if is_descending else "gt"
        rows = rows.filter(**{f"conversation__{way}": Given("beyond", UUIDField())})
    columns = (
        f"conversation__{name}" if name in _OF_CONVERSATION else name
        for name in ListedConversation._fields
    )
    order = "-conversation_id" if is_descending else "conversation_id"
    return Written(rows.order_by(order).values_list(*columns))


_OF_CONVERSATION: Final = frozenset(
    {"id", "kind", "title", "topic", "created_at", "archived_at", "last_seq", "version"}
)


def page(
    user: User,
    conversation_id: UUID,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    limit: int = limits.PAGE,
) -> Page:
    """Messages before or after a place, around it, or the newest ones.

    Sequence numbers have no gaps, so any page is one range of the index, whatever its depth. That
    the person is a member is asked in the same statement: what it finds, they might read just then.
    Raises `NoSuchConversation`.
    """
    if around is not None:
        last = conversation_for(user, conversation_id).conversation.last_seq
        after = max(0, min(around - limit // 2 - 1, last - limit))
    query = _messages(is_before=before is not None, is_after=after is not None)
    given = {"user": user.pk, "conversation": conversation_id, "before": before, "after": after}
    rows = list(query.rows(given, most=limit))
    if after is None:
        rows.reverse()
    if rows:
        messages, newest = [ListedMessage(*row[:-1]) for row in rows], rows[-1][-1]
        return Page(messages, has_before=messages[0].seq > 1, has_after=messages[-1].seq < newest)
    last = conversation_for(user, conversation_id).conversation.last_seq
    if before is not None and min(before - 1, last) > 0:
        # Somebody who was no member a moment ago, and is one now.
        return page(user, conversation_id, before=before, limit=limit)
    first = (after or 0) + 1
    return Page([], has_before=last > 0 and first > 1, has_after=first <= last)


@cache
def _messages(*, is_before: bool, is_after: bool) -> Written:
    """Descending, but for those after a place; with each the newest of the conversation."""
    last_seq = Conversation.objects.filter(id=CONVERSATION).values("last_seq")
    # Beside the messages and not joined to them: so they are read in the order of their index.
    rows = Message.objects.filter(Exists(own_membership()), conversation=CONVERSATION).annotate(
        newest=Subquery(last_seq)
    )
    if is_after:
        rows = rows.filter(seq__gt=Given("after", BigIntegerField()))
    elif is_before:
        rows = rows.filter(seq__lt=Given("before", BigIntegerField()))
    rows = rows.order_by("seq" if is_after else "-seq")
    return Written(rows.values_list(*ListedMessage._fields, "newest"))
