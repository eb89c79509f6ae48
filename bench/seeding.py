"""People, their sessions and conversations, as they would be after all had been invited.

`python -m bench.seeding PEOPLE GROUP [CONVERSATIONS [DEVICES]]`, in our server's environment, makes
so many more people in groups of GROUP, each in so many conversations and with so many devices. It
prints the devices as JSON. Rows are inserted in bulk, because ten thousand invitations would take
minutes; what they hold is what the actions would have written.
"""

import json
import sys
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from accounts.models import Session, User

_BATCH = 2000


def make_people(number: int) -> list["User"]:
    """People whom nobody can sign in as by password."""
    from accounts.models import User

    first = User.objects.count()
    rows = [
        User(username=f"p{n}", email=f"p{n}@example.org", display_name=f"P {n}", password="!")
        for n in range(first, first + number)
    ]
    return User.objects.bulk_create(rows, _BATCH)


def sign_in(users: Sequence["User"]) -> list["Session"]:
    """A session for each."""
    from django.conf import settings

    from accounts.models import Session
    from accounts.tokens import new_jti

    now = datetime.now(UTC)
    return Session.objects.bulk_create(
        [
            Session(
                user=user,
                device="bench",
                created_at=now,
                last_used_at=now,
                expires_at=now + settings.REFRESH_TOKEN_LIFETIME,
                refresh_jti=new_jti(),
            )
            for user in users
        ],
        _BATCH,
    )


def make_groups(users: Sequence["User"], group: int, each: int) -> list[tuple[str, list[int]]]:
    """The id of each conversation, and the places of its members in ``users``.

    Everybody is in ``each`` conversations: in the second round, neighbours of the first are apart.
    """
    from chat.models import Conversation, Membership

    now = datetime.now(UTC)
    conversations: list[Conversation] = []
    memberships: list[Membership] = []
    made: list[tuple[str, list[int]]] = []
    for turn in range(each):
        stride = turn * group + 1 if turn else 1
        order = sorted(range(len(users)), key=lambda n, s=stride: (n % s, n))  # type: ignore[misc]
        for start in range(0, len(users) - group + 1, group):
            places = order[start : start + group]
            conversation = Conversation(
                kind=Conversation.Kind.GROUP,
                title=f"Group {len(made)}",
                created_by=users[places[0]],
                created_at=now,
                member_count=group,
                version=group,
            )
            conversations.append(conversation)
            made.append((str(conversation.id), places))
            memberships += [
                Membership(
                    conversation=conversation,
                    user=users[place],
                    role=Membership.Role.MEMBER if number else Membership.Role.OWNER,
                    joined_at=now,
                    version=number + 1,
                )
                for number, place in enumerate(places)
            ]
    Conversation.objects.bulk_create(conversations, _BATCH)
    Membership.objects.bulk_create(memberships, _BATCH)
    return made


def devices(number: int, group: int, each: int, sessions: int) -> list[dict[str, Any]]:
    """Devices that come back knowing everything: what they say, and where they write.

    Those of one person stand together.
    """
    from accounts.models import Session
    from accounts.tokens import issue
    from chat.queries import epoch

    users = make_people(number)
    mine: list[list[str]] = [[] for _ in users]
    for conversation, places in make_groups(users, group, each):
        for place in places:
            mine[place].append(conversation)
    by_user: dict[uuid.UUID, list[Session]] = defaultdict(list)
    for session in sign_in([user for user in users for _ in range(sessions)]):
        by_user[session.user_id].append(session)
    history = str(epoch())
    return [
        {
            "path": "/ws/",
            "protocol": "pneumatic.v1",
            "token": issue(session).access,
            "user": str(user.id),
            "epoch": history,
            "versions": dict.fromkeys(conversations, group),
            "conversation": conversations[0] if conversations else str(uuid.uuid4()),
        }
        for user, conversations in zip(users, mine, strict=True)
        for session in by_user[user.id]
    ]


def hello(device: dict[str, Any]) -> str:
    """What the device says first."""
    said = {"type": "hello", **{key: device[key] for key in ("token", "epoch", "versions")}}
    return json.dumps(said)


def main() -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    number, group, *more = map(int, sys.argv[1:])
    each, sessions = [*more, *[1, 1][len(more) :]]
    made = devices(number, group, each, sessions)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
