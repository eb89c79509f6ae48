"""The people of the authorisation matrix, and everything of theirs that one could reach for."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.actions.sessions import sign_out
from accounts.actions.users import suspend_user
from accounts.models import Session, User
from accounts.tokens import AccessToken, issue, new_jti
from chat.actions.members import add_member, change_role, remove_member
from chat.models import Conversation, Message
from pneumatic.testing.factories import make_group, make_session, make_user, say

#: Who has an account.
PEOPLE: Final = (
    "member", "admin", "owner", "former", "suspended", "elsewhere", "staff", "superuser",
)  # fmt: skip
#: The owner's tokens that are good for nothing, or not for this.
DEAD: Final = ("revoked", "expired", "refresh")
#: In the order of the matrix's columns.
ROLES: Final = ("stranger", *PEOPLE, *DEAD)
#: Those who get no further than to the door.
OUTSIDE: Final = ("stranger", "suspended", *DEAD)


@dataclass
class Cast:
    """One group with a member of every kind, and a second one of which only one of them is."""

    people: dict[str, User]
    #: A plain member whom others try to change, and the author of `message`.
    gina: User
    group: Conversation
    message: Message
    other_group: Conversation
    other_message: Message
    #: The owner's first device; the second is the one with which the owner asks.
    owners_session: Session
    tokens: dict[str, str | None] = field(default_factory=dict)
    refresh: str = ""

    def ids(self) -> dict[str, uuid.UUID]:
        """What the placeholders in routes stand for."""
        return {
            "conversation_id": self.group.id,
            "conversation": self.group.id,
            "user_id": self.gina.id,
            "message_id": self.message.id,
            "session_id": self.owners_session.id,
        }

    def asks(self, role: str) -> dict[str, str]:
        """The headers with which this one asks."""
        token = self.tokens[role]
        return {"authorization": f"Bearer {token}"} if token else {}


def make_cast() -> Cast:
    """Everybody signed in; then one is removed from the group, and one is suspended."""
    people = {role: make_user(role) for role in PEOPLE}
    people["staff"].is_staff = True
    people["superuser"].is_staff = people["superuser"].is_superuser = True
    for role in ("staff", "superuser"):
        people[role].save()
    people["staff"].user_permissions.set(Permission.objects.all())
    gina = make_user("gina")
    owner = people["owner"]
    group = make_group(owner, people["member"], people["admin"], people["former"], gina)
    add_member(adder=owner, conversation_id=group.id, user_id=people["suspended"].id, role="member")
    change_role(changer=owner, conversation_id=group.id, user_id=people["admin"].id, role="admin")
    message = say(gina, group, "between us")
    other_group = make_group(people["elsewhere"], title="Elsewhere")
    other_message = say(people["elsewhere"], other_group, "somewhere else")
    owners_session = make_session(owner)
    pairs = {role: issue(make_session(user)) for role, user in people.items()}
    remove_member(remover=owner, conversation_id=group.id, user_id=people["former"].id)
    suspend_user(user=people["suspended"])
    group.refresh_from_db()
    return Cast(
        people=people,
        gina=gina,
        group=group,
        message=message,
        other_group=other_group,
        other_message=other_message,
        owners_session=owners_session,
        tokens={
            "stranger": None,
            **{role: pair.access for role, pair in pairs.items()},
            **_dead_tokens(owner),
        },
        refresh=issue(owners_session).refresh,
    )


def _dead_tokens(user: User) -> dict[str, str | None]:
    """All of them rightly signed."""
    revoked = make_session(user)
    access = issue(revoked).access
    sign_out(session=revoked)
    now, session = timezone.now(), make_session(user)
    expired = AccessToken.encode(
        session, jti=new_jti(), iat=now - timedelta(minutes=20), exp=now - timedelta(seconds=1)
    )
    return {"revoked": access, "expired": expired, "refresh": issue(make_session(user)).refresh}
