"""The small world of the tests, and how to make more of it: through actions, as in life."""

import uuid
from typing import NamedTuple

from accounts.models import Session, User
from accounts.tokens import issue
from chat.actions.conversations import create_group, open_direct
from chat.actions.sending import send_message
from chat.models import Conversation, Message

PASSWORD = "correct horse battery staple"


class World(NamedTuple):
    """alice (the owner) and bob are in the group, charlie is out."""

    alice: User
    bob: User
    charlie: User
    group: Conversation


def make_user(name: str) -> User:
    """A person with the e-mail address `name@example.org`; cheap: nobody signs in by password."""
    return User.objects.create(
        username=name,
        email=f"{name}@example.org",
        display_name=name.capitalize(),
        password="!",
    )


def make_group(owner: User, *members: User, title: str = "Launch crew") -> Conversation:
    begun = create_group(
        creator=owner, id=uuid.uuid4(), title=title, member_ids=[member.id for member in members]
    )
    return begun.seat.conversation


def make_direct(one: User, other: User) -> Conversation:
    return open_direct(user=one, other_id=other.id).seat.conversation


def say(sender: User, conversation: Conversation, body: str = "hello") -> Message:
    """Send a message."""
    return send_message(
        sender=sender, conversation_id=conversation.id, id=uuid.uuid4(), body=body
    ).message


def make_session(user: User, device: str = "test") -> Session:
    """A signed-in device."""
    from accounts.actions.sessions import open_session

    return open_session(user=user, device=device, user_agent="", address=None)


def make_token(user: User, session: Session | None = None) -> str:
    """An access token of a (new) session of the person."""
    return issue(session or make_session(user)).access


def make_world() -> World:
    alice, bob, charlie = (make_user(name) for name in ("alice", "bob", "charlie"))
    return World(alice, bob, charlie, make_group(alice, bob))
