"""What devices ask for when they come and while they stay, and the hub for all of them.

What is asked for many people at once is one statement each, written out here: hellos and heartbeats
are most of what a server with many devices does, and Django takes longer to put such a statement
together than PostgreSQL to answer it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
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

_read_plain: Final = msgspec.json.Decoder(dict[str, int]).decode

# A row a person and not one a conversation: every heartbeat asks, and to read that many rows would
# cost more than all the rest of its answer. Each number by a query of its own, which finds it by
# its key: joined for a person in a thousand, PostgreSQL reads the whole table of conversations.
NUMBERS: Final = """
SELECT user_id{as_text} AS name, {object}(conversation_id, number){as_text} AS numbers
FROM (
  SELECT membership.user_id, membership.conversation_id, (
    SELECT conversation.{column} FROM chat_conversation conversation
    WHERE conversation.id = membership.conversation_id
  ) AS number
  FROM chat_membership membership
  WHERE membership.user_id {people} AND membership.left_at IS NULL
) AS seats
GROUP BY user_id
UNION ALL SELECT epoch{as_text}, NULL FROM chat_history
"""


@dataclass(frozen=True)
class Standing:
    """What a person may read now, and up to which version it goes; in which history."""

    epoch: UUID
    #: By the conversations' ids as texts, such as `str` makes them: those are compared by C.
    versions: dict[str, int]


class Entrance(NamedTuple):
    """What a person may read now, and at which version somebody's membership last ended there."""

    epoch: UUID
    #: By the conversations' ids as texts, such as `str` makes them.
    ended: dict[str, int]


def epoch() -> UUID:
    """The name of this history, given at first need; a restored backup has another."""
    return History.objects.get_or_create(id=1)[0].epoch


def entrances_of(user_ids: Collection[UUID]) -> dict[UUID, Entrance]:
    """What each of these people joins who say hello, in one query for all of them."""
    epoch, found = _numbers_of([str(each) for each in user_ids], "ended_version")
    return {each: Entrance(epoch, _read_texts(found.get(str(each), "{}"))) for each in user_ids}


def standings_of(user_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """What each of these people may read, in one query for all of them."""
    found = standings_by_text([str(each) for each in user_ids])
    return {each: found[str(each)] for each in user_ids}


def standings_by_text(people: Collection[str]) -> dict[str, Standing]:
    """The same by their ids as texts, such as `str` makes them."""
    return standings_from(people, rows_for(people, NUMBERS, column="version"))


def circles_of(user_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """The conversations in which people's coming and going is told, as in `entrances_of`."""
    circles = {}
    for user_id, entrance in entrances_of(user_ids).items():
        there = entrance.ended
        circles[user_id] = {each: there[each] for each in told_of(there)}
    return circles


def told_of(conversations: Collection[str]) -> Collection[str]:
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


def rows_for(people: Collection[str], statement: str, **words: str) -> list[tuple[Any, ...]]:
    """The rows of a statement about `{people}`, by the texts of their ids.

    In the words of this database.
    """
    if connection.vendor == "postgresql":
        # One parameter, however many they are: so it is one statement, which is parsed once.
        written = statement.format(people="= ANY(%s::uuid[])", **_POSTGRESQL, **words)
        given = "{" + ",".join(people) + "}"
        return one_statement(connection, written, [given] * statement.count("{people}"))
    asked = ", ".join(["%s"] * len(people))
    written = statement.format(people=f"IN ({asked})", **_SQLITE, **words)
    ids = [each.replace("-", "") for each in people]
    return one_statement(connection, written, ids * statement.count("{people}"))


_POSTGRESQL: Final = {"as_text": "::text", "object": "JSON_OBJECT_AGG"}
_SQLITE: Final = {"as_text": "", "object": "JSON_GROUP_OBJECT"}


def _numbers_of(
    people: Collection[str], column: Literal["version", "ended_version"]
) -> tuple[UUID, dict[str, str]]:
    """The epoch, and of each person who is in any, a number of each conversation as JSON."""
    return _numbers_from(rows_for(people, NUMBERS, column=column))


def standings_from(people: Collection[str], rows: Iterable[tuple[Any, ...]]) -> dict[str, Standing]:
    """From the rows of ``NUMBERS``."""
    epoch, found = _numbers_from(rows)
    return {each: Standing(epoch, _read_texts(found.get(each, "{}"))) for each in people}


def _numbers_from(rows: Iterable[tuple[Any, ...]]) -> tuple[UUID, dict[str, str]]:
    named, found = None, dict[str, str]()
    for name, numbers in rows:
        if numbers is None:
            named = UUID(name)
        else:
            found[canonical(name)] = numbers
    return named or epoch(), found


def canonical(name: str) -> str:
    """An id's text such as `str` makes it, of one of the database: SQLite's have no hyphens."""
    return name if connection.vendor == "postgresql" else str(UUID(name))


def _read_texts(numbers: str) -> dict[str, int]:
    found = _read_plain(numbers)
    return found if connection.vendor == "postgresql" else {canonical(k): found[k] for k in found}
