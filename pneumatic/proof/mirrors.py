"""The end state: each device against a fresh one of its person, and each fresh one against SQL."""

from collections.abc import Mapping
from typing import Any

from pneumatic.proof.checker import Mirrored, Verdict
from pneumatic.proof.journal import Truth

#: Messages of a conversation's reset: older ones a device has only if it met them live.
PAGE = 50


def check_fresh(verdict: Verdict, truth: Truth, person: str, fresh: Mirrored) -> None:
    """What a new device of the person is given, whole, is what the database holds."""
    entitled = {
        conversation
        for (conversation, user), membership in truth.memberships.items()
        if user == person and not membership[2]
    }
    for conversation in set(fresh) - entitled:
        verdict.add("leaked", f"a fresh device of {person} was given {conversation}")
    stored = _by_conversation(truth)
    for conversation in entitled:
        mine = fresh.get(conversation)
        if mine is None:
            verdict.add("unconverged", f"a fresh device of {person} lacks {conversation}")
            continue
        _, version, title, topic, _ = truth.conversations[conversation]
        if (mine["known"], mine["title"], mine["topic"]) != (version, title, topic):
            verdict.add("contradicted", f"{conversation} is not what {person} is told of it")
        _check_messages(verdict, person, stored.get(conversation, {}), mine["messages"])
        _check_members(verdict, truth, conversation, mine["members"])


def check_device(
    verdict: Verdict, device: str, mirror: Mirrored, fresh: Mirrored, bases: Mapping[str, int]
) -> None:
    """A device that went through it all has what a fresh one has (I4, I5, I12).

    Except for messages from before `bases`: a reset doesn't bring them, they come by REST.
    """
    for conversation in set(mirror) ^ set(fresh):
        has = "still has" if conversation in mirror else "lacks"
        verdict.add("unconverged", f"{device} {has} conversation {conversation}")
    for conversation in set(mirror) & set(fresh):
        mine, theirs = mirror[conversation], fresh[conversation]
        for part in ("known", "title", "topic", "members"):
            if mine[part] != theirs[part]:
                verdict.add("unconverged", f"{device}: {part} of {conversation} is out of date")
        base = bases.get(conversation, 1)
        for message, row in theirs["messages"].items():
            if message not in mine["messages"] and row["seq"] >= base:
                verdict.add("lost", f"{device} never got {message}, place {row['seq']}")
        for message, row in mine["messages"].items():
            if message not in theirs["messages"]:
                verdict.add("contradicted", f"{device} has {message}, which is not there")
            elif row != theirs["messages"][message]:
                verdict.add("unconverged", f"{device} has {message} in an old or another state")
        places = [row["seq"] for row in mine["messages"].values()]
        if len(places) != len(set(places)):
            verdict.add("duplicated", f"{device} has two messages at one place, {conversation}")
        newest = max((row["seq"] for row in theirs["messages"].values()), default=0)
        if base > max(1, newest - PAGE + 1):
            verdict.add("lost", f"{device} was given too short a page of {conversation}")


def _by_conversation(truth: Truth) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for message, (conversation, *row) in truth.messages.items():
        found.setdefault(conversation, {})[message] = tuple(row)
    return found


def _check_messages(
    verdict: Verdict, person: str, stored: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    for message in stored.keys() - given.keys():
        verdict.add("lost", f"{message} is stored, and a fresh device of {person} doesn't get it")
    for message in given.keys() - stored.keys():
        verdict.add("contradicted", f"{message} is given to {person}, and is not stored")
    for message in stored.keys() & given.keys():
        seq, version, sender, kind, body, deleted = stored[message]
        row = given[message]
        told = (row["seq"], row["version"], row["sender"], row["kind"], row["body"])
        if told != (seq, version, sender, kind, body) or (row["deleted_at"] is not None) != deleted:
            verdict.add("contradicted", f"{message} is not what {person} is told of it")


def _check_members(
    verdict: Verdict, truth: Truth, conversation: str, given: Mapping[str, Any]
) -> None:
    stored = {
        user: (*membership[:3], truth.names[user])
        for (where, user), membership in truth.memberships.items()
        if where == conversation
    }
    told = {
        user: (
            row["role"],
            row["version"],
            row["left_at"] is not None,
            row["user"]["display_name"],
        )
        for user, row in given.items()
    }
    if stored != told:
        verdict.add("contradicted", f"the members of {conversation} are told wrongly")
