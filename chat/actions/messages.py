"""Edit and delete messages, and say in the timeline what happened; sending is `sending`."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chat import fanout
from chat.actions import inputs
from chat.actions.appending import append, count_mentions, mentioned_in
from chat.errors import NotAllowed, ReadOnly
from chat.models import Conversation, Message
from chat.queries import Seat, conversation_for, message_for
from pneumatic.lib.ids import uuid7


def post_system(conversation: Conversation, *, actor: User, body: str, now: datetime) -> None:
    """Say in the timeline what somebody did; the conversation's row must be locked."""
    message_id = uuid7()
    message = Message(
        id=message_id,
        conversation=conversation,
        sender=actor,
        kind=Message.Kind.SYSTEM,
        body=body,
        fingerprint=Message.fingerprint_of(message_id, body, None),
    )
    append([message], now=now)


@transaction.atomic
def edit_message(*, editor: User, conversation_id: UUID, message_id: UUID, body: str) -> Message:
    """Replace the body of one's own message; the same body again changes nothing."""
    body = inputs.body(body)
    seat = conversation_for(editor, conversation_id, lock=True)
    message = message_for(seat, message_id)
    if message.sender_id != editor.id or message.kind != Message.Kind.TEXT:
        raise NotAllowed("Only the one who wrote a message can edit it.")
    if message.deleted_at is not None:
        raise NotAllowed("This message was deleted.")
    if seat.conversation.archived_at is not None:
        raise ReadOnly
    if message.body == body:
        return message
    message.body, message.edited_at = body, timezone.now()
    message.mentioned = mentioned_in([(conversation_id, body)])[conversation_id, body]
    message.version = seat.conversation.next_version()
    message.save(update_fields=["body", "mentioned", "edited_at", "version"])
    seat.conversation.save(update_fields=["version"])
    message.mentions.all().delete()
    count_mentions([message])
    fanout.message_changed(seat.conversation, message)
    return message


@transaction.atomic
def delete_message(*, deleter: User, conversation_id: UUID, message_id: UUID) -> Message:
    """Empty a message for everyone and leave a tombstone; again changes nothing.

    One's own, or, for those who manage the group, anybody's.
    """
    seat = conversation_for(deleter, conversation_id, lock=True)
    message = message_for(seat, message_id)
    if message.deleted_at is not None:
        return message
    if message.kind != Message.Kind.TEXT or not _may_delete(seat, message):
        raise NotAllowed(
            "Only the one who wrote a message, or who manages the group, can delete it."
        )
    tombstone(seat.conversation, message)
    return message


def tombstone(conversation: Conversation, message: Message) -> None:
    """Empty a message and say so; the conversation's row must be locked."""
    message.body, message.mentioned, message.deleted_at = "", [], timezone.now()
    message.version = conversation.next_version()
    message.save(update_fields=["body", "mentioned", "deleted_at", "version"])
    conversation.save(update_fields=["version"])
    message.mentions.all().delete()
    fanout.message_changed(conversation, message)


def _may_delete(seat: Seat, message: Message) -> bool:
    if message.sender_id == seat.membership.user_id:
        return True
    return seat.conversation.kind == Conversation.Kind.GROUP and seat.membership.may_manage
