"""What a person may see of conversations, their members and messages."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, UUIDField
from django.db.models.functions import Coalesce

from accounts.models import User
from chat.errors import NoSuchConversation, NoSuchMember, NoSuchMessage
from chat.models import Conversation, Membership, Mention, Message
from pneumatic.lib.database.written import Given, Written, columns_of, model_of

#: Who asks and of what, in queries that are written once.
USER: Final = Given("user", UUIDField())
CONVERSATION: Final = Given("conversation", UUIDField())


class Seat(NamedTuple):
    """A person's place in a conversation."""

    conversation: Conversation
    membership: Membership


def visible_to(user: User) -> QuerySet[Conversation]:
    """The conversations that the person is in now."""
    return Conversation.objects.filter(memberships__user=user, memberships__left_at=None)


def seats_of(user: User | Given) -> QuerySet[Membership]:
    """The person's current memberships with their conversations and unread mentions."""
    mentions = (
        Mention.objects.filter(
            user=OuterRef("user"),
            conversation=OuterRef("conversation"),
            seq__gt=OuterRef("read_seq"),
        )
        .order_by()
        .values("user")
        .annotate(count=Count("*"))
        .values("count")
    )
    return (
        Membership.objects.filter(user=user, left_at=None)
        .select_related("conversation")
        .annotate(unread_mentions=Coalesce(Subquery(mentions, IntegerField()), 0))
    )


def conversation_for(user: User, conversation_id: UUID, *, lock: bool = False) -> Seat:
    """The conversation and the person's membership in it.

    With `lock` the conversation's row is locked first, and the membership read after that: what
    it says then holds until the end of the transaction. Raises `NoSuchConversation` also where
    the person is not (any more) in it.
    """
    if not lock:
        found = _seat().rows({"user": user.pk, "conversation": conversation_id})
        if not found:
            raise NoSuchConversation
        return _seated(found[0])
    # Who isn't in it locks nothing: else they would make others wait, and could tell by what it
    # takes that it is there.
    locking = visible_to(user).select_for_update(of=("self",))
    conversation = locking.filter(id=conversation_id).first()
    if conversation is None:
        raise NoSuchConversation
    membership = Membership.objects.filter(
        conversation=conversation, user=user, left_at=None
    ).first()
    if membership is None:
        raise NoSuchConversation
    return Seat(conversation, membership)


@cache
def _seat() -> Written:
    columns = (*columns_of(Membership), *columns_of(Conversation, "conversation"))
    rows = seats_of(USER).filter(conversation=CONVERSATION)
    return Written(rows.values_list(*columns, "unread_mentions"))


def _seated(row: tuple[Any, ...]) -> Seat:
    """As `seats_of` does it."""
    own = len(columns_of(Membership))
    membership = model_of(Membership, row[:own])
    membership.conversation = model_of(Conversation, row[own:-1])
    membership.unread_mentions = row[-1]  # type: ignore[attr-defined]  # as annotate() adds it
    return Seat(membership.conversation, membership)


def still_there(seat: Seat) -> None:
    """To be asked after a read: what was read then is from before any end of the membership.

    Raises `NoSuchConversation`.
    """
    if not is_member(seat.membership.user_id, seat.conversation.id):
        raise NoSuchConversation


def is_member(user_id: UUID, conversation_id: UUID) -> bool:
    return bool(_membership().rows({"user": user_id, "conversation": conversation_id}))


@cache
def _membership() -> Written:
    return Written(own_membership().values_list("id"))


def own_membership() -> QuerySet[Membership]:
    """That of `USER` in `CONVERSATION`, while they are in it."""
    return Membership.objects.filter(user=USER, conversation=CONVERSATION, left_at=None)


def ended_version_for(user_id: UUID, conversation_id: UUID) -> int:
    """At which version somebody's membership last ended, where the person is a member now.

    Raises `NoSuchConversation`.
    """
    found = (
        Conversation.objects.filter(
            id=conversation_id, memberships__user=user_id, memberships__left_at=None
        )
        .values_list("ended_version", flat=True)
        .first()
    )
    if found is None:
        raise NoSuchConversation
    return found


def members_among(conversation_id: UUID, user_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these people who are in the conversation now."""
    return set(
        Membership.objects.filter(
            conversation=conversation_id, user__in=list(user_ids), left_at=None
        ).values_list("user_id", flat=True)
    )


def members_of(conversation_id: UUID) -> QuerySet[Membership]:
    """Current members with their accounts; the caller has checked that they may be seen."""
    return (
        Membership.objects.filter(conversation=conversation_id, left_at=None)
        .select_related("user")
        .order_by("id")
    )


def member_for(seat: Seat, user_id: UUID) -> Membership:
    """One current member of the seat's conversation; raises `NoSuchMember`."""
    found = members_of(seat.conversation.id).filter(user=user_id).first()
    if found is None:
        raise NoSuchMember
    return found


def message_for(seat: Seat, message_id: UUID) -> Message:
    """One message of the seat's conversation; raises `NoSuchMessage`."""
    found = Message.objects.filter(conversation=seat.conversation, id=message_id).first()
    still_there(seat)
    if found is None:
        raise NoSuchMessage
    return found


def unread_mentions(membership: Membership) -> int:
    return Mention.objects.filter(
        user=membership.user_id,
        conversation=membership.conversation_id,
        seq__gt=membership.read_seq,
    ).count()
