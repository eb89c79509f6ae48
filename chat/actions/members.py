"""Who comes, who goes, and who may do what."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chat import fanout, limits
from chat.actions import inputs, quotas
from chat.actions.conversations import end_group
from chat.actions.messages import post_system
from chat.errors import BadField, NotAllowed, ReadOnly
from chat.models import Conversation, Membership
from chat.queries import Seat, conversation_for, member_for

Role = Membership.Role


def add_member(
    *, adder: User, conversation_id: UUID, user_id: UUID, role: str = Role.MEMBER
) -> tuple[Membership, bool]:
    """Bring a person into a group; returns the membership and whether it is new.

    Somebody who had left comes back to the same row. Who is in already is left as they are.
    Raises `RateLimited` for more attempts than a person makes in a day.
    """
    quotas.spend_members(adder, 1)
    return _add_member(adder, conversation_id, user_id, role)


@transaction.atomic
def _add_member(
    adder: User, conversation_id: UUID, user_id: UUID, role: str
) -> tuple[Membership, bool]:
    seat = _group_for(adder, conversation_id)
    if not seat.membership.may_manage:
        raise NotAllowed
    if role == Role.OWNER:
        raise BadField("role", "a group has one owner; add a member, then make them the owner")
    if role == Role.ADMIN and seat.membership.role != Role.OWNER:
        raise NotAllowed("Only the owner can make somebody an admin.")
    (person,) = inputs.people([user_id], field="user")
    conversation = seat.conversation
    known = Membership.objects.filter(conversation=conversation, user=person).first()
    if known is not None and known.left_at is None:
        return known, False
    if known is None:
        # Where they were before, `show_anew` waits for this conversation and stamps the row.
        inputs.hold_names([person])
    if conversation.member_count >= limits.MEMBERS:
        raise NotAllowed(f"A group holds at most {limits.MEMBERS} people.")
    inputs.room_for_one_more([person], field="user")
    now = timezone.now()
    membership = known or Membership(conversation=conversation, user=person)
    membership.user = person
    membership.role, membership.joined_at, membership.left_at = role, now, None
    # What was said before they came is not unread to them.
    membership.read_seq = membership.delivered_seq = conversation.last_seq
    membership.own_after_read = 0
    membership.version = conversation.next_version()
    membership.save()
    conversation.member_count += 1
    conversation.save(update_fields=["version", "member_count"])
    fanout.membership_began(membership)
    fanout.member_changed(conversation, membership)
    post_system(conversation, actor=adder, body=f"added {person.get_full_name()}", now=now)
    return membership, True


@transaction.atomic
def remove_member(*, remover: User, conversation_id: UUID, user_id: UUID) -> None:
    """Take a person out of a group, or leave it oneself.

    From the commit on nothing of the conversation reaches them. An owner leaves only after
    somebody else has become the owner; the last one to go closes the group.
    """
    seat = _group_for(remover, conversation_id)
    membership = member_for(seat, user_id)
    leaving = user_id == remover.id
    if not leaving and not _may_remove(seat.membership, membership):
        raise NotAllowed
    now = timezone.now()
    if membership.role == Role.OWNER:
        if seat.conversation.member_count > 1:
            raise NotAllowed("Make somebody else the owner first.")
        end_group(seat.conversation, now=now)
        return
    conversation = seat.conversation
    previous = conversation.ended_version
    membership.left_at = now
    membership.version = conversation.ended_version = conversation.next_version()
    membership.save(update_fields=["left_at", "version"])
    conversation.member_count -= 1
    conversation.save(update_fields=["version", "ended_version", "member_count"])
    # Out first: what is announced after this must not find their sockets there.
    fanout.membership_ended(conversation, user_id, previous=previous)
    fanout.member_changed(conversation, membership)
    body = "left" if leaving else f"removed {membership.user.get_full_name()}"
    post_system(conversation, actor=remover, body=body, now=now)


@transaction.atomic
def change_role(*, changer: User, conversation_id: UUID, user_id: UUID, role: str) -> Membership:
    """Give a member another role; making somebody the owner makes the former owner an admin."""
    seat = _group_for(changer, conversation_id)
    if role not in Role.values:
        raise BadField("role", f"is not one of {', '.join(Role.values)}")
    membership = member_for(seat, user_id)
    if seat.membership.role != Role.OWNER:
        raise NotAllowed("Only the owner can change roles.")
    if membership.role == role:
        return membership
    if membership.user_id == changer.id:
        raise NotAllowed("Make somebody else the owner first.")
    if role == Role.OWNER:
        # Read again, with the name that they have now that the conversation is locked.
        _set_role(seat.conversation, member_for(seat, changer.id), Role.ADMIN)
    _set_role(seat.conversation, membership, Role(role))
    post_system(
        seat.conversation,
        actor=changer,
        body=f"made {membership.user.get_full_name()} {_IN_WORDS[Role(role)]}",
        now=timezone.now(),
    )
    return membership


def show_anew(*, user: User) -> None:
    """Stamp the person's memberships, so that every device learns of the new name.

    Also those that have ended: the others still read what was written then, and under which name.
    To be called in the transaction that changed it.
    """
    mine = Membership.objects.filter(user=user).values("conversation")
    # In the order of their ids, as `send_messages` locks them: nobody waits for each other.
    locked = (
        Conversation.objects.select_for_update()
        .filter(id__in=mine, archived_at=None)
        .order_by("id")
    )
    conversations = {each.id: each for each in locked}
    memberships = list(Membership.objects.filter(user=user, conversation__in=conversations))
    # Read with the rows locked: of two renames at once, the later version has the later name.
    user.refresh_from_db()
    for membership in memberships:
        membership.user = user
        membership.version = conversations[membership.conversation_id].next_version()
    Membership.objects.bulk_update(memberships, ["version"], batch_size=500)
    Conversation.objects.bulk_update(conversations.values(), ["version"], batch_size=500)
    for membership in memberships:
        fanout.member_changed(conversations[membership.conversation_id], membership)


def _group_for(user: User, conversation_id: UUID) -> Seat:
    seat = conversation_for(user, conversation_id, lock=True)
    if seat.conversation.kind != Conversation.Kind.GROUP:
        raise NotAllowed("A direct conversation is of these two people; begin a group instead.")
    if seat.conversation.archived_at is not None:
        raise ReadOnly
    return seat


def _may_remove(remover: Membership, membership: Membership) -> bool:
    if remover.role == Role.OWNER:
        return True
    return remover.role == Role.ADMIN and membership.role == Role.MEMBER


def _set_role(conversation: Conversation, membership: Membership, role: Role) -> None:
    membership.role = role
    _stamp(conversation, membership, ["role"])


def _stamp(conversation: Conversation, membership: Membership, changed: list[str]) -> None:
    membership.version = conversation.next_version()
    membership.save(update_fields=[*changed, "version"])
    conversation.save(update_fields=["version"])
    fanout.member_changed(conversation, membership)


_IN_WORDS = {Role.OWNER: "the owner", Role.ADMIN: "an admin", Role.MEMBER: "a member"}
