"""Rows as the wire shows them; the only place that knows both."""

from collections.abc import Iterable
from datetime import datetime
from typing import cast
from uuid import UUID

from msgspec import UNSET, Raw

from accounts.models import User
from accounts.presenters import present_user
from chat import protocol
from chat.models import Conversation, Membership, Message
from chat.queries import (
    NOBODY,
    Beside,
    ListedConversation,
    ListedMessage,
    Position,
)
from pneumatic.lib.times import rfc3339

#: How the wire writes a moment.
time = rfc3339


def time_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else time(moment)


def person(user: User) -> protocol.Person:
    return protocol.Person(**present_user(user))


def message(row: Message | ListedMessage) -> protocol.MessageRow:
    return protocol.MessageRow(
        id=row.id,
        conversation=row.conversation_id,
        seq=row.seq,
        version=row.version,
        sender=row.sender_id,
        kind="system" if row.kind == Message.Kind.SYSTEM else "text",
        body=row.body,
        reply_to=row.reply_to_id,
        attachments=[],
        mentions=[UUID(user_id) for user_id in row.mentioned],
        reactions=[],
        pinned_at=time_or_none(row.pinned_at),
        created_at=time(row.created_at),
        edited_at=time_or_none(row.edited_at),
        deleted_at=time_or_none(row.deleted_at),
    )


def member(row: Membership) -> protocol.MemberRow:
    """`row.user` is read: select it along."""
    return protocol.MemberRow(
        conversation=row.conversation_id,
        user=person(row.user),
        role=row.role,  # type: ignore[arg-type]  # a CheckConstraint-free TextChoices column
        joined_at=time(row.joined_at),
        left_at=time_or_none(row.left_at),
        version=row.version,
    )


def conversation(
    row: Conversation | ListedConversation, me: Membership | ListedConversation | None = None
) -> protocol.ConversationRow:
    """With `me`, the asking person's own part; without, the same text for every member."""
    return protocol.ConversationRow(
        id=row.id,
        kind="direct" if row.kind == Conversation.Kind.DIRECT else "group",
        title=row.title,
        topic=row.topic,
        avatar=None,
        created_at=time(row.created_at),
        last_seq=row.last_seq,
        version=row.version,
        archived_at=time_or_none(row.archived_at),
        me=UNSET if me is None else own_part(row, me),
    )


def own_part(
    row: Conversation | ListedConversation, me: Membership | ListedConversation
) -> protocol.Me:
    """`me.unread_mentions` is read where the query brought it along."""
    return protocol.Me(
        role=me.role,  # type: ignore[arg-type]  # as in member()
        read_seq=me.read_seq,
        unread=unread(row.last_seq, me),
        mentions=getattr(me, "unread_mentions", 0),
        muted_until=time_or_none(me.muted_until),
        pinned=me.pinned,
    )


def unread(last_seq: int, me: Membership | ListedConversation) -> int:
    """How many messages of others come after what the person has read."""
    return max(0, last_seq - me.read_seq - me.own_after_read)


def receipt(at: Position) -> protocol.Receipt:
    return protocol.Receipt(user=at.user_id, read_seq=at.read_seq, delivered_seq=at.delivered_seq)


def receipts(beside: Beside) -> list[protocol.Receipt]:
    """Where they stand outside of their conversations, as the encoder takes them."""
    ready = beside.receipts != NOBODY.receipts
    return cast("list[protocol.Receipt]", Raw(beside.receipts) if ready else [])


def people(ids: Iterable[str]) -> list[UUID]:
    """Ids in one order, as the encoder takes them."""
    return cast("list[UUID]", sorted(ids))


def message_event(row: Message) -> protocol.MessageEvent:
    return protocol.MessageEvent(
        conversation=row.conversation_id, version=row.version, data=message(row)
    )


def add_place(event: protocol.MessageEvent, row: Message) -> None:
    """Write into the event of a message what the database has added to its row meanwhile."""
    data = event.data
    event.version = data.version = row.version
    data.seq, data.created_at = row.seq, time(row.created_at)
    data.mentions = [UUID(user_id) for user_id in row.mentioned]


def member_event(row: Membership) -> protocol.MemberEvent:
    return protocol.MemberEvent(
        conversation=row.conversation_id, version=row.version, data=member(row)
    )


def conversation_event(row: Conversation) -> protocol.ConversationEvent:
    return protocol.ConversationEvent(
        conversation=row.id, version=row.version, data=conversation(row)
    )
