"""Make the people of a proof: `python -m pneumatic.proof.people`, in the cluster's environment.

Migrates the empty database, installs the journal, and prints who there is, as JSON.
"""

import json
import os
import random
import sys
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import django

from pneumatic.proof.session import Grant

if TYPE_CHECKING:
    from accounts.models import User


@dataclass
class Person:
    id: str
    name: str
    #: A session for each device, one for a fresh device at the end, one for REST.
    devices: list[Grant]
    fresh: Grant
    rest: Grant

    @classmethod
    def read(cls, it: dict[str, Any]) -> "Person":
        devices = [Grant(**each) for each in it["devices"]]
        return cls(it["id"], it["name"], devices, Grant(**it["fresh"]), Grant(**it["rest"]))


@dataclass
class Group:
    """A conversation of several; the owner and the admins may change it."""

    id: str
    members: list[str]
    owner: str
    admins: list[str]


@dataclass
class Cast:
    """Everybody who takes part, and the conversations that they begin with."""

    people: list[Person]
    groups: list[Group]

    @classmethod
    def from_json(cls, text: str) -> "Cast":
        read: dict[str, Any] = json.loads(text)
        return cls(
            [Person.read(each) for each in read["people"]],
            [Group(**each) for each in read["groups"]],
        )


def make(*, seed: int, people: int, devices: int, groups: int) -> Cast:
    """People with signed-in devices; groups of a third to a half of them; pairs in direct talks."""
    from chat.actions.conversations import create_group, open_direct
    from chat.actions.members import change_role

    rng = random.Random(seed)
    users = [_make_user(f"person-{number}") for number in range(people)]
    cast = Cast(
        people=[
            Person(
                id=str(user.id),
                name=user.username,
                devices=[_sign_in(user) for _ in range(devices)],
                fresh=_sign_in(user),
                rest=_sign_in(user),
            )
            for user in users
        ],
        groups=[],
    )
    for number in range(groups):
        owner = users[number % people]
        others = rng.sample([user for user in users if user != owner], max(2, people // 3))
        ids = [user.id for user in others]
        begun = create_group(
            creator=owner, id=uuid.uuid4(), title=f"Group {number}", member_ids=ids
        )
        group = begun.seat.conversation
        change_role(changer=owner, conversation_id=group.id, user_id=others[0].id, role="admin")
        members = [str(user.id) for user in (owner, *others)]
        cast.groups.append(Group(str(group.id), members, str(owner.id), [str(others[0].id)]))
    for one, other in zip(users, [*users[1:], users[0]], strict=True):
        open_direct(user=one, other_id=other.id)
    return cast


def _make_user(name: str) -> "User":
    """A person whom nobody can sign in as by password: the hash of one costs a second."""
    from accounts.models import User

    return User.objects.create(
        username=name,
        email=f"{name}@example.org",
        display_name=name.capitalize(),
        password="!",  # noqa: S106
    )


def _sign_in(user: "User") -> Grant:
    from accounts.actions.sessions import open_session
    from accounts.tokens import issue

    pair = issue(open_session(user=user, device="proof", user_agent="", address=None))
    return Grant(pair.access, pair.refresh, pair.access_expires_at.timestamp())


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from pneumatic.proof import journal

    call_command("migrate", verbosity=0)
    journal.install(os.environ["PROOF_DATABASE"])
    seed, people, devices, groups = map(int, sys.argv[1:])
    cast = make(seed=seed, people=people, devices=devices, groups=groups)
    sys.stdout.write(json.dumps(asdict(cast)))


if __name__ == "__main__":
    main()
