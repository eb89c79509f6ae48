"""What devices ask for when they come and while they stay, and the hub for all of them.

What is asked for many people at once is one statement each, written out here: hellos and heartbeats
are most of what a server with many devices does, and Django takes longer to put such a statement
together than PostgreSQL to answer it.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models.functions import Now

from chat import limits
from chat.models import Conversation, History, Unheard
from pneumatic.lib.database.postgres import one_statement

# Parameters in one statement; databases limit them.
_IDS_AT_ONCE = 1_000

_read_versions: Final = msgspec.json.Decoder(dict[UUID, int]).decode

# A row a person and not one a conversation: every heartbeat asks, and to read that many rows would
# cost more than all the rest of its answer.
_NUMBERS: Final = """
SELECT membership.user_id{as_text},
       {object}(membership.conversation_id, conversation.{column}){as_text}
FROM chat_membership membership
JOIN chat_conversation conversation ON conversation.id = membership.conversation_id
WHERE membership.user_id {people} AND membership.left_at IS NULL
GROUP BY membership.user_id
UNION ALL SELECT epoch{as_text}, NULL FROM chat_history
"""


class Standing(NamedTuple):
    """What a person may read now, and up to which version it goes; in which history."""

    epoch: UUID
    versions: dict[UUID, int]


class Entrance(NamedTuple):
    """What a person may read now, and at which version somebody's membership last ended there."""

    epoch: UUID
    ended: dict[UUID, int]


def epoch() -> UUID:
    """The name of this history, given at first need; a restored backup has another."""
    return History.objects.get_or_create(id=1)[0].epoch


def entrances_of(user_ids: Collection[UUID]) -> dict[UUID, Entrance]:
    """What each of these people joins who say hello, in one query for all of them."""
    epoch, found = _numbers_of(user_ids, "ended_version")
    return {each: Entrance(epoch, found.get(each, {})) for each in user_ids}


def standings_of(user_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """What each of these people may read, in one query for all of them."""
    epoch, found = _numbers_of(user_ids, "version")
    return {each: Standing(epoch, found.get(each, {})) for each in user_ids}


def circles_of(user_ids: Collection[UUID]) -> dict[UUID, dict[UUID, int]]:
    """The conversations in which people's coming and going is told, as in `entrances_of`."""
    _, found = _numbers_of(user_ids, "ended_version")
    circles = {}
    for user_id in user_ids:
        there = found.get(user_id, {})
        circles[user_id] = {each: there[each] for each in told_of(there)}
    return circles


def told_of(conversations: Collection[UUID]) -> Collection[UUID]:
    """Those of a person's conversations where their coming and going is told: always the same."""
    if len(conversations) <= limits.PRESENCE_CONVERSATIONS:
        return conversations
    return sorted(conversations, reverse=True)[: limits.PRESENCE_CONVERSATIONS]


def versions_of(conversation_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The versions of these conversations as they are now; for the hub, not for a person."""
    found: dict[UUID, int] = {}
    for start in range(0, len(conversation_ids), _IDS_AT_ONCE):
        some = conversation_ids[start : start + _IDS_AT_ONCE]
        found.update(Conversation.objects.filter(id__in=some).values_list("id", "version"))
    return found


def is_another_unheard(process: UUID) -> bool:
    """Whether a process other than this one can't tell the others what it announces."""
    return Unheard.objects.filter(until__gt=Now()).exclude(process=process).exists()


def rows_for(user_ids: Collection[UUID], statement: str, **words: str) -> list[tuple[Any, ...]]:
    """The rows of a statement about `{people}`, in the words of this database."""
    if connection.vendor == "postgresql":
        # One parameter, however many they are: so it is one statement, which is parsed once.
        people = "{" + ",".join(map(str, user_ids)) + "}"
        written = statement.format(people="= ANY(%s::uuid[])", **_POSTGRESQL, **words)
        return one_statement(connection, written, [people])
    asked = ", ".join(["%s"] * len(user_ids))
    written = statement.format(people=f"IN ({asked})", **_SQLITE, **words)
    return one_statement(connection, written, [each.hex for each in user_ids])


_POSTGRESQL: Final = {"as_text": "::text", "object": "JSON_OBJECT_AGG"}
_SQLITE: Final = {"as_text": "", "object": "JSON_GROUP_OBJECT"}


def _numbers_of(
    user_ids: Collection[UUID], column: Literal["version", "ended_version"]
) -> tuple[UUID, dict[UUID, dict[UUID, int]]]:
    """The epoch, and a number of each conversation of each person who is in any."""
    named, found = None, dict[UUID, dict[UUID, int]]()
    for name, numbers in rows_for(user_ids, _NUMBERS, column=column):
        if numbers is None:
            named = UUID(name)
        else:
            found[UUID(name)] = _read_versions(numbers)
    return named or epoch(), found
