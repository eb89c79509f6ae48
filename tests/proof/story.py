"""A small true story: alice and bob are in one group, carol was and is out; three messages."""

import copy
from dataclasses import dataclass, field
from typing import Any

from pneumatic.proof.checker import Checker, Verdict
from pneumatic.proof.journal import Change, Truth
from pneumatic.proof.mirrors import check_device, check_fresh

GROUP = "group"
IDS = [f"{number}0000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3)]
Line = dict[str, Any]


def message_change(number: int, *, version: int, key: str | None = None) -> Change:
    id = key or IDS[number - 1]
    return Change(GROUP, version, "message", id, number, False, IDS[number - 1], float(version))


def member_change(user: str, *, version: int, ended: bool = False) -> Change:
    return Change(GROUP, version, "member", user, 0, ended, "", float(version))


def message_row(number: int, *, version: int) -> dict[str, Any]:
    return {
        "id": IDS[number - 1],
        "seq": number,
        "version": version,
        "sender": "alice",
        "kind": "text",
        "body": f"{IDS[number - 1]} hello",
        "deleted_at": None,
    }


def member_row(user: str, *, version: int, left: bool = False) -> dict[str, Any]:
    return {
        "user": {"id": user, "display_name": user},
        "role": "member",
        "version": version,
        "left_at": left or None,
    }


def came(*rows: tuple[str, str, int, int], at: float, known: int | None, **more: Any) -> Line:
    return {"t": at, "e": "in", "c": GROUP, "y": "message", "rows": rows, "known": known, **more}


def message_came(number: int, *, version: int, known: int | None = None, at: float = 0) -> Line:
    row = ("message", IDS[number - 1], version, number)
    return came(row, at=at or version + 0.5, known=known or version)


def sync_came(*rows: tuple[str, str, int, int], at: float, to: int, last: int) -> Line:
    return came(*rows, at=at, known=to, y="sync", reset=True, more=False, to=to, last=last)


def sent(number: int, at: float) -> Line:
    return {"t": at, "e": "send", "id": IDS[number - 1], "c": GROUP, "via": "socket"}


def acked(number: int, *, version: int, at: float, seq: int = 0) -> Line:
    return {
        "t": at, "e": "ack", "id": IDS[number - 1], "c": GROUP, "s": seq or number, "v": version,
        "dup": False, "via": "socket",
    }  # fmt: skip


MEMBERS = [("member", user, version, 0) for version, user in enumerate(("alice", "bob"), 1)]


@dataclass
class Story:
    """Versions: 1 to 3 the three come, 4 the first message, 5 carol goes, 6 and 7 the others."""

    truth: Truth = field(default_factory=Truth)
    histories: dict[str, list[Line]] = field(default_factory=dict)
    fresh: dict[str, Any] = field(default_factory=dict)
    mirrors: dict[str, Any] = field(default_factory=dict)

    def verdict(self) -> Verdict:
        """What the checker says of it."""
        checker = Checker(self.truth)
        for person, lines in self.histories.items():
            checker.history(f"{person}.0", person, lines)
        verdict = checker.finish()
        for person, fresh in self.fresh.items():
            check_fresh(verdict, self.truth, person, fresh)
            bases = checker.bases[f"{person}.0"]
            check_device(verdict, f"{person}.0", self.mirrors[person], fresh, bases)
        return verdict

    def counts(self) -> dict[str, int]:
        return dict(self.verdict().counts)


def true_story() -> Story:
    """A run in which the promise was kept; tests break it in one place each."""
    story = Story()
    story.truth.names = {user: user for user in ("alice", "bob", "carol")}
    story.truth.changes = [
        *(member_change(user, version=v) for v, user in enumerate(("alice", "bob", "carol"), 1)),
        message_change(1, version=4),
        member_change("carol", version=5, ended=True),
        message_change(2, version=6),
        message_change(3, version=7),
    ]
    story.truth.conversations[GROUP] = (3, 7, "Crew", "", False)
    for number, version in ((1, 4), (2, 6), (3, 7)):
        body = f"{IDS[number - 1]} hello"
        story.truth.messages[IDS[number - 1]] = (
            GROUP, number, version, "alice", "text", body, False
        )  # fmt: skip
    for version, user in enumerate(("alice", "bob"), 1):
        story.truth.memberships[GROUP, user] = ("member", version, False, 3, 3)
    story.truth.memberships[GROUP, "carol"] = ("member", 5, True, 1, 1)
    everybody = [*MEMBERS, ("member", "carol", 3, 0)]
    start = sync_came(*everybody, at=3.5, to=3, last=0)
    gone = came(("member", "carol", 5, 0), at=5.5, known=5, y="member")
    heard = [
        start,
        message_came(1, version=4),
        gone,
        message_came(2, version=6),
        message_came(3, version=7),
    ]
    said = [
        line
        for number, version in ((1, 4), (2, 6), (3, 7))
        for line in (sent(number, version), acked(number, version=version, at=version + 0.5))
    ]
    story.histories = {
        "alice": [*copy.deepcopy(heard), *said],
        "bob": copy.deepcopy(heard),
        "carol": [start, message_came(1, version=4), {"t": 5.6, "e": "out", "c": GROUP}],
    }
    whole = {
        "known": 7,
        "title": "Crew",
        "topic": "",
        "members": {
            "alice": member_row("alice", version=1),
            "bob": member_row("bob", version=2),
            "carol": member_row("carol", version=5, left=True),
        },
        "messages": {
            IDS[number - 1]: message_row(number, version=version)
            for number, version in ((1, 4), (2, 6), (3, 7))
        },
    }
    for person in ("alice", "bob"):
        story.fresh[person] = {GROUP: copy.deepcopy(whole)}
        story.mirrors[person] = {GROUP: copy.deepcopy(whole)}
    story.fresh["carol"], story.mirrors["carol"] = {}, {}
    return story
