"""What the operators' moderators may do in conversations that they are not in."""

from uuid import UUID

import structlog
from django.db import transaction

from accounts.models import User
from chat.actions.messages import tombstone
from chat.errors import NoSuchMessage, NotAllowed
from chat.models import Conversation, Message

log = structlog.get_logger(__name__)


@transaction.atomic
def remove_message(*, moderator: User, message_id: UUID) -> Message:
    """Empty a message for everyone and leave a tombstone; again changes nothing.

    The caller has made sure that `moderator` is one. Raises `NoSuchMessage`, and `NotAllowed` for
    what no person wrote.
    """
    known = Message.objects.filter(id=message_id).values_list("conversation_id", flat=True).first()
    if known is None:
        raise NoSuchMessage
    conversation = Conversation.objects.select_for_update().get(id=known)
    # Read only now, with the row locked: its author may just have deleted it.
    message = Message.objects.get(id=message_id)
    if message.deleted_at is not None:
        return message
    if message.kind != Message.Kind.TEXT:
        raise NotAllowed("Only what a person wrote can be removed.")
    tombstone(conversation, message)
    log.info("message_removed", message=str(message_id), moderator=str(moderator.id))
    return message
