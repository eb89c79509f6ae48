"""What changed in conversations since somebody knew them, in one statement for all that is read.

Everything of a statement is as of one moment: the person is a member in that moment, and no row is
newer than the version that comes with it. What is written later may be after the membership ended.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models.functions import Coalesce
from msgspec import Struct
from msgspec.structs import asdict

from accounts.models import User
from chat import limits
from chat.models import Membership
from chat.queries.lists import ListedConversation, ListedMessage
from chat.queries.positions import Position
from pneumatic.lib.database.postgres import one_statement

# Rows of all kinds in one shape: of what, of which conversation, and its columns as an array. Both
# ends of each range are written out, though no row is above the upper one: PostgreSQL takes half of
# a range for a third of the table, and might read all of it. `since` is nothing where all is to be
# read anew: the person knows none of it, or so much has changed by now that it is past all bounds.
_CHANGES: Final = """
WITH asked (conversation_id, since, is_reset) AS ({asked}),
seat AS (
  SELECT {since} AS since, talk.id, talk.version, talk.last_seq, talk.member_count,
    {array}(
      {array}(
        talk.id, talk.kind, talk.title, talk.topic, talk.created_at{utc}, talk.archived_at{utc},
        talk.last_seq, talk.version,
        mine.role, mine.read_seq, mine.own_after_read, mine.muted_until{utc}, {pinned},
        (SELECT COUNT(*) FROM chat_mention mention WHERE mention.user_id = mine.user_id
         AND mention.conversation_id = talk.id AND mention.seq > mine.read_seq)
      ),
      COALESCE(talk.last_message_at, talk.created_at){utc},
      {since}
    ) AS told
  FROM asked
  {join} chat_conversation talk ON talk.id = asked.conversation_id
  {join} chat_membership mine ON mine.conversation_id = talk.id
    AND mine.user_id = %s AND mine.left_at IS NULL
)
SELECT 'seat', id{text}, told{text} FROM seat
UNION ALL
SELECT 'member', seat.id{text}, {array}(
  {array}(person.id, person.username, person.display_name),
  {array}(member.role, member.joined_at{utc}, member.left_at{utc}, member.version)
){text}
FROM seat
{join} chat_membership member ON member.conversation_id = seat.id
  AND member.version > COALESCE(seat.since, 0) AND member.version <= seat.version
{join} accounts_user person ON person.id = member.user_id
UNION ALL
SELECT 'message', seat.id{text}, {message}
FROM seat
{join} chat_message message ON message.conversation_id = seat.id
  AND message.version > seat.since AND message.version <= seat.version
UNION ALL
SELECT 'message', seat.id{text}, {message}
FROM seat
{join} chat_message message ON message.conversation_id = seat.id
  AND message.seq > seat.last_seq - {page} AND message.seq <= seat.last_seq
WHERE seat.since IS NULL
UNION ALL
SELECT 'position', seat.id{text}, {array}(other.user_id, other.read_seq, other.delivered_seq){text}
FROM seat
{join} chat_membership other ON other.conversation_id = seat.id AND other.left_at IS NULL
WHERE seat.member_count <= {small}
"""
_SINCE: Final = (
    "CASE WHEN NOT asked.is_reset AND talk.version <= asked.since + {most} THEN asked.since END"
)
_MESSAGE: Final = """{array}(
  message.id, message.conversation_id, message.seq, message.version, message.sender_id,
  message.kind, message.body, message.reply_to_id, {mentioned}, message.created_at{utc},
  message.edited_at{utc}, message.deleted_at{utc}, message.pinned_at{utc}
){text}"""
_POSTGRESQL: Final = {
    "join": "JOIN",
    "array": "JSON_BUILD_ARRAY",
    "text": "::text",
    "utc": "",
    "pinned": "mine.pinned",
    "mentioned": "message.mentioned",
    "asked": "SELECT * FROM UNNEST(%s::uuid[], %s::bigint[], %s::boolean[])",
}
_SQLITE: Final = {
    # Which it takes in the order of the text: left to itself it reads all messages there are, and
    # looks for the few conversations among them.
    "join": "CROSS JOIN",
    "array": "JSON_ARRAY",
    "text": "",
    # It keeps moments without saying of which zone they are, and neither knows truth nor arrays.
    "utc": " || 'Z'",
    "pinned": "JSON(CASE WHEN mine.pinned THEN 'true' ELSE 'false' END)",
    "mentioned": "JSON(message.mentioned)",
}


class Outline(NamedTuple):
    """How much there is of a conversation."""

    conversation_id: UUID
    version: int
    last_seq: int
    member_count: int
    #: When something was last said, or it began.
    at: datetime


class Asked(NamedTuple):
    """A conversation to be read: what is newer than a version, or as much as anew needs."""

    conversation_id: UUID
    since: int
    reset: bool


class Changes(NamedTuple):
    """What was read of a conversation."""

    #: The version that all of this is newer than; None where it is everything, to begin anew with.
    since: int | None
    #: With the person's own part in it.
    conversation: ListedConversation
    #: When something was last said, or it began.
    at: datetime
    members: list[Membership]
    messages: list[ListedMessage]
    #: Of all members, where the conversation is small.
    positions: list[Position]


class _Person(Struct, array_like=True, frozen=True):
    id: UUID
    username: str
    display_name: str


class _Member(Struct, array_like=True):
    role: str
    joined_at: datetime
    left_at: datetime | None
    version: int


_read_seat: Final = msgspec.json.Decoder(tuple[ListedConversation, datetime, int | None]).decode
_read_member: Final = msgspec.json.Decoder(tuple[_Person, _Member]).decode
_read_message: Final = msgspec.json.Decoder(ListedMessage).decode
_read_position: Final = msgspec.json.Decoder(tuple[UUID, int, int]).decode


def outlines_of(user_id: UUID, conversation_ids: Collection[str] | None = None) -> list[Outline]:
    """Of all conversations of a person, or of those of them that are named."""
    rows = Membership.objects.filter(user=user_id, left_at=None)
    if conversation_ids is not None:
        rows = rows.filter(conversation__in=[UUID(each) for each in conversation_ids])
    talk = "conversation__"
    at = Coalesce(f"{talk}last_message_at", f"{talk}created_at")
    columns = (f"{talk}{name}" for name in ("id", "version", "last_seq", "member_count"))
    return [Outline(*row) for row in rows.values_list(*columns, at)]


def changes_in(user_id: UUID, asked: Sequence[Asked]) -> list[Changes]:
    """Of each of these conversations that the person is in now; in no order.

    More than `limits.SYNC_MAX` changes are not read: then it is as if a reset was asked for.
    """
    # By the ids' texts, as the database writes them: most rows name one that others have named.
    by_kind: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for kind, name, told in _rows(user_id, asked):
        by_kind[kind].append((name, told))
    found = {name: _begun(told) for name, told in by_kind["seat"]}
    people = dict[UUID, User]()
    for name, told in by_kind["member"]:
        person, member = _read_member(told)
        user = people.get(person.id) or people.setdefault(person.id, User(**asdict(person)))
        of = found[name].conversation.id
        found[name].members.append(Membership(conversation_id=of, user=user, **asdict(member)))
    for name, told in by_kind["message"]:
        found[name].messages.append(_read_message(told))
    for name, told in by_kind["position"]:
        of = found[name].conversation.id
        found[name].positions.append(Position(of, *_read_position(told)))
    for each in found.values():
        # In one order, whichever way the database's statistics let it go just now.
        each.positions.sort(key=lambda position: position.user_id.int)
    return list(found.values())


def _begun(told: str) -> Changes:
    conversation, at, since = _read_seat(told)
    return Changes(since, conversation, at, [], [], [])


def _rows(user_id: UUID, asked: Sequence[Asked]) -> Iterable[tuple[Any, ...]]:
    bounds = {
        "page": limits.PAGE,
        "small": limits.SMALL_CONVERSATION,
        "most": limits.SYNC_MAX,
    }
    numbers = {name: str(number) for name, number in bounds.items()}
    if connection.vendor == "postgresql":
        # Three parameters, however many there are: so it is one statement, which is parsed once.
        given = ["{" + ",".join(map(str, column)) + "}" for column in zip(*asked, strict=True)]
        return one_statement(connection, _written(**_POSTGRESQL, **numbers), [*given, user_id])
    values = ", ".join(["(%s, %s, %s)"] * len(asked))
    flat = [value for of, *numbers_of in asked for value in (of.hex, *numbers_of)]
    written = _written(**_SQLITE, **numbers, asked=f"VALUES {values}")
    return one_statement(connection, written, [*flat, user_id.hex])


def _written(**words: str) -> str:
    parts = {"message": _MESSAGE.format(**words), "since": _SINCE.format(**words)}
    return _CHANGES.format(**parts, **words)
