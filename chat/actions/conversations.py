"""Begin, change and close conversations."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from chat import fanout, limits
from chat.actions import inputs, quotas
from chat.actions.messages import post_system
from chat.errors import BadField, IdTaken, NoSuchPerson, NotAllowed
from chat.models import Conversation, Membership
from chat.queries import Seat, conversation_for


class Begun(NamedTuple):
    """A conversation; `created` is False when it was there before and nothing was done."""

    seat: Seat
    created: bool


def open_direct(*, user: User, other_id: UUID) -> Begun:
    """The one direct conversation of these two people, begun now if there is none yet.

    Raises `RateLimited` for more new ones than a person begins in a day.
    """
    if other_id == user.id:
        raise BadField("user", "is yourself; name somebody else")
    other = User.objects.filter(id=other_id, is_active=True).first()
    if other is None:
        raise NoSuchPerson
    key = Conversation.key_of(user.id, other.id)
    if found := _direct(user, key):
        return Begun(found, created=False)
    quotas.spend_conversation(user)
    try:
        with transaction.atomic():
            conversation = Conversation(
                kind=Conversation.Kind.DIRECT, direct_key=key, created_by=user
            )
            return Begun(_begin(conversation, owner=None, members=[user, other]), created=True)
    except IntegrityError:
        # The other one asked at the same moment, and was first.
        if found := _direct(user, key):
            return Begun(found, created=False)
        raise


def create_group(*, creator: User, id: UUID, title: str, member_ids: Sequence[UUID]) -> Begun:
    """Begin a group under the id that the creator's device gave it, once.

    The creator becomes its owner. Again with the same id and creator: the group as it is now.
    Raises `IdTaken` where the id names another conversation, `BadField` for a title or members
    that can't be, `RateLimited` for more than a person begins in a day.
    """
    if id.version not in {4, 7}:
        raise BadField("id", "must be a random UUID (version 4 or 7)")
    title = inputs.title(title)
    members = inputs.people([each for each in member_ids if each != creator.id], field="members")
    if found := Conversation.objects.filter(id=id).first():
        return Begun(_own_group(creator, found), created=False)
    quotas.spend_conversation(creator)
    quotas.spend_members(creator, len(members))
    try:
        with transaction.atomic():
            conversation = Conversation(
                id=id, kind=Conversation.Kind.GROUP, title=title, created_by=creator
            )
            seat = _begin(conversation, owner=creator, members=[creator, *members])
            post_system(
                conversation, actor=creator, body="created the group", now=conversation.created_at
            )
            seat.membership.refresh_from_db()
            return Begun(seat, created=True)
    except IntegrityError:
        if found := Conversation.objects.filter(id=id).first():
            return Begun(_own_group(creator, found), created=False)
        raise


@transaction.atomic
def change_group(
    *, changer: User, conversation_id: UUID, title: str | None = None, topic: str | None = None
) -> Seat:
    """Rename a group or change its topic; what is None or the same stays."""
    seat = conversation_for(changer, conversation_id, lock=True)
    conversation = seat.conversation
    if conversation.kind != Conversation.Kind.GROUP:
        raise NotAllowed("A direct conversation has no name or topic of its own.")
    if not seat.membership.may_manage:
        raise NotAllowed
    title = conversation.title if title is None else inputs.title(title)
    topic = conversation.topic if topic is None else inputs.topic(topic)
    renamed, retold = title != conversation.title, topic != conversation.topic
    if not renamed and not retold:
        return seat
    conversation.title, conversation.topic = title, topic
    conversation.next_version()
    conversation.save(update_fields=["title", "topic", "version"])
    fanout.conversation_changed(conversation)
    now = timezone.now()
    if renamed:
        post_system(conversation, actor=changer, body=f"named the group “{title}”", now=now)
    if retold:
        post_system(conversation, actor=changer, body="changed the topic", now=now)
    return seat


@transaction.atomic
def close_group(*, closer: User, conversation_id: UUID) -> None:
    """End a group for everybody. Its messages stay for the operators, nobody else reads them."""
    seat = conversation_for(closer, conversation_id, lock=True)
    if seat.conversation.kind != Conversation.Kind.GROUP:
        raise NotAllowed("A direct conversation can't be deleted.")
    if seat.membership.role != Membership.Role.OWNER:
        raise NotAllowed("Only the owner can delete the group.")
    end_group(seat.conversation, now=timezone.now())


def end_group(conversation: Conversation, *, now: datetime) -> None:
    """End every membership and archive the group; its row must be locked."""
    members = list(conversation.memberships.filter(left_at=None))
    for membership in members:
        membership.left_at = now
        membership.version = conversation.next_version()
    Membership.objects.bulk_update(members, ["left_at", "version"], batch_size=500)
    conversation.archived_at = now
    conversation.member_count = 0
    conversation.ended_version = conversation.next_version()
    conversation.save(update_fields=["archived_at", "member_count", "version", "ended_version"])
    fanout.conversation_closed(conversation)


def _direct(user: User, key: str) -> Seat | None:
    found = Conversation.objects.filter(direct_key=key).first()
    return None if found is None else conversation_for(user, found.id)


def _own_group(creator: User, found: Conversation) -> Seat:
    if found.created_by_id != creator.id or found.kind != Conversation.Kind.GROUP:
        raise IdTaken
    return conversation_for(creator, found.id)


def _begin(conversation: Conversation, *, owner: User | None, members: Sequence[User]) -> Seat:
    """Store a new conversation with its first members; the first of them asked for it."""
    if len(members) > limits.MEMBERS:
        raise BadField("members", f"at most {limits.MEMBERS} people fit")
    direct = conversation.kind == Conversation.Kind.DIRECT
    inputs.room_for_one_more(members, field="user" if direct else "members")
    inputs.hold_names(members)
    conversation.created_at = timezone.now()
    conversation.member_count = len(members)
    memberships = [
        Membership(
            conversation=conversation,
            user=member,
            role=Membership.Role.OWNER if member == owner else Membership.Role.MEMBER,
            joined_at=conversation.created_at,
            version=conversation.next_version(),
        )
        for member in members
    ]
    conversation.save(force_insert=True)
    Membership.objects.bulk_create(memberships)
    for membership in memberships:
        fanout.membership_began(membership)
    return Seat(conversation, memberships[0])
