"""How far people have read and received; states, not history, so not versioned."""

from uuid import UUID

from django.db import transaction

from accounts.models import User
from chat import fanout, presenters
from chat.errors import NoSuchConversation
from chat.models import Conversation, Membership, Message
from chat.queries import unread_mentions


def mark_read(*, user: User, conversation_id: UUID, seq: int) -> Membership:
    """Everything up to `seq` has been read, and so delivered; never moves backwards."""
    return _move(user, conversation_id, read=seq, delivered=seq)


def mark_delivered(*, user: User, conversation_id: UUID, seq: int) -> Membership:
    """Everything up to `seq` has reached a device of the person; never moves backwards."""
    return _move(user, conversation_id, read=0, delivered=seq)


@transaction.atomic
def _move(user: User, conversation_id: UUID, *, read: int, delivered: int) -> Membership:
    membership = (
        Membership.objects.select_for_update()
        .filter(user=user, conversation=conversation_id, left_at=None)
        .first()
    )
    if membership is None:
        raise NoSuchConversation
    # Asked after the membership's row is locked, so that no message of one's own slips between.
    last_seq, ended = Conversation.objects.values_list("last_seq", "ended_version").get(
        id=conversation_id
    )
    before = (membership.read_seq, membership.delivered_seq)
    membership.read_seq = max(membership.read_seq, min(read, last_seq))
    membership.delivered_seq = max(membership.delivered_seq, min(delivered, last_seq))
    if before == (membership.read_seq, membership.delivered_seq):
        return membership
    if membership.read_seq != before[0]:
        # Only what lies between: somebody far behind has much after it.
        membership.own_after_read -= Message.objects.filter(
            conversation=conversation_id,
            seq__gt=before[0],
            seq__lte=membership.read_seq,
            sender=user,
        ).count()
    membership.save(update_fields=["read_seq", "delivered_seq", "own_after_read"])
    fanout.receipt_moved(
        membership,
        unread=presenters.unread(last_seq, membership),
        mentions=unread_mentions(membership),
        ended=ended,
    )
    return membership
