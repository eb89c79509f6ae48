"""Make the people of a proof: `python -m pneumatic.proof.people`, in the cluster's environment.

Migrates the empty database, installs the journal, and prints who there is, as JSON.
"""

import json
import os
import random
import sys
from dataclasses import asdict, dataclass
from typing import Any

import django


@dataclass
class Person:
    id: str
    name: str
    #: An access token for each device, one for a fresh device at the end, one for REST.
    tokens: list[str]
    fresh: str
    rest: str


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
            [Person(**each) for each in read["people"]], [Group(**each) for each in read["groups"]]
        )


def make(*, seed: int, people: int, devices: int, groups: int) -> Cast:
    """People with signed-in devices; groups of a third to a half of them; pairs in direct talks."""
    from chat.actions.members import change_role
    from pneumatic.testing.factories import make_direct, make_group, make_token, make_user

    rng = random.Random(seed)
    users = [make_user(f"person-{number}") for number in range(people)]
    cast = Cast(
        people=[
            Person(
                id=str(user.id),
                name=user.username,
                tokens=[make_token(user) for _ in range(devices)],
                fresh=make_token(user),
                rest=make_token(user),
            )
            for user in users
        ],
        groups=[],
    )
    for number in range(groups):
        owner = users[number % people]
        others = rng.sample([user for user in users if user != owner], max(2, people // 3))
        group = make_group(owner, *others, title=f"Group {number}")
        change_role(changer=owner, conversation_id=group.id, user_id=others[0].id, role="admin")
        members = [str(user.id) for user in (owner, *others)]
        cast.groups.append(Group(str(group.id), members, str(owner.id), [str(others[0].id)]))
    for one, other in zip(users, [*users[1:], users[0]], strict=True):
        make_direct(one, other)
    return cast


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
