"""A small world to look at: four people, what they say to each other, and what is still unread.

Its ids are always the same, so that it can't be made twice. All of it goes through actions, as in
life; only the times are moved into the past afterwards, before anybody can have seen them.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import User
from accounts.queries import taken_fields
from chat.actions.conversations import change_group, create_group, open_direct
from chat.actions.receipts import mark_delivered, mark_read
from chat.actions.sending import send_message
from chat.management.demo_talk import DIRECT_TALK, GROUP_TALK, PEOPLE, Line
from chat.models import Conversation, Membership, Message

#: Of all the demo's people; they are nobody's, and only wherever somebody asked for them.
PASSWORD: Final = "demo-pneumatic-chat"  # noqa: S105
DOMAIN: Final = "demo.example"
TITLE, TOPIC = "Launch crew", "Everything until the tubes hum"


class NameTaken(Exception):
    """Somebody real has the name of one of the demo's people."""


class Planted(NamedTuple):
    """How much was made; nothing where it was there already."""

    people: int
    conversations: int
    messages: int


def is_planted() -> bool:
    """Whether the demo's people can sign in here."""
    return User.objects.filter(username="alice", email=f"alice@{DOMAIN}", is_active=True).exists()


@transaction.atomic
def plant() -> Planted:
    """Make what is missing. Raises `NameTaken` where somebody else has one of the names."""
    ids = _ids()
    group_id = next(ids)
    new_people = sum(_make_person(username, name) for username, name in PEOPLE)
    people = {
        user.username: user
        for user in User.objects.filter(email__in=[f"{name}@{DOMAIN}" for name, _ in PEOPLE])
    }
    if Conversation.objects.filter(id=group_id).exists():
        return Planted(new_people, 0, 0)
    now = timezone.now()
    group = create_group(
        creator=people["alice"],
        id=group_id,
        title=TITLE,
        member_ids=[user.id for user in people.values()],
    ).seat.conversation
    change_group(changer=people["alice"], conversation_id=group.id, topic=TOPIC)
    direct = open_direct(user=people["alice"], other_id=people["bob"].id).seat.conversation
    for conversation, talk in ((group, GROUP_TALK), (direct, DIRECT_TALK)):
        _move_back(conversation, now - timedelta(minutes=talk[0].minutes_ago + 5))
        for line in talk:
            _say(people, conversation, next(ids), line, now)
        _read_most(conversation)
    return Planted(new_people, 2, len(GROUP_TALK) + len(DIRECT_TALK))


def _ids() -> Iterator[UUID]:
    """The same random UUIDs every time."""
    source = random.Random("pneumatic demo")  # noqa: S311
    while True:
        yield UUID(int=source.getrandbits(128), version=4)


def _make_person(username: str, display_name: str) -> bool:
    """Whether the person is new."""
    email = f"{username}@{DOMAIN}"
    if User.objects.filter(username=username, email=email).exists():
        return False
    if taken_fields(username=username, email=email):
        raise NameTaken(username)
    accounts.register_user(
        username=username, email=email, password=PASSWORD, display_name=display_name
    )
    return True


def _say(
    people: dict[str, User], conversation: Conversation, id: UUID, line: Line, now: datetime
) -> None:
    send_message(sender=people[line.who], conversation_id=conversation.id, id=id, body=line.body)
    at = now - timedelta(minutes=line.minutes_ago)
    Message.objects.filter(id=id).update(created_at=at)
    Conversation.objects.filter(id=conversation.id).update(last_message_at=at)


def _move_back(conversation: Conversation, at: datetime) -> None:
    Conversation.objects.filter(id=conversation.id).update(created_at=at, last_message_at=at)
    Membership.objects.filter(conversation=conversation).update(joined_at=at)
    Message.objects.filter(conversation=conversation).update(created_at=at)


def _read_most(conversation: Conversation) -> None:
    """Leave alice the last few unread; to dave they have only been delivered."""
    conversation.refresh_from_db()
    last = conversation.last_seq
    for membership in Membership.objects.filter(conversation=conversation).select_related("user"):
        user = membership.user
        if user.username == "alice":
            mark_read(user=user, conversation_id=conversation.id, seq=last - 3)
        elif user.username == "dave":
            mark_read(user=user, conversation_id=conversation.id, seq=last - 6)
            mark_delivered(user=user, conversation_id=conversation.id, seq=last)
        else:
            mark_read(user=user, conversation_id=conversation.id, seq=last)
