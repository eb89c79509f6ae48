"""How far people have got in what they share with others."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

import msgspec
from django.db import connection
from msgspec import Raw, Struct

from chat import limits
from chat.protocol import Receipt
from chat.queries.devices import NUMBERS, Standing, rows_for, standings_from

# The texts are put together by the database: of a device in 20 conversations of 10 people that is
# a row instead of 200. What is looked up for each conversation is a query of its own, as in
# `devices.NUMBERS`.
_BESIDE: Final = """
SELECT user_id{as_text} AS user_id, {joined}(told, ','{in_order}) AS receipts
FROM (
  SELECT user_id, conversation_id, (
    SELECT {joined}(
      '{{"user":"' || other.user_id || '","read_seq":' || other.read_seq
      || ',"delivered_seq":' || other.delivered_seq
      || ',"conversation":"' || other.conversation_id || '"}}', ','{by_user})
    FROM chat_membership other
    WHERE other.conversation_id = ranked.conversation_id AND other.left_at IS NULL
  ) AS told
  FROM (
    SELECT user_id, conversation_id, at,
           ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY at DESC NULLS LAST) AS place
    FROM (
      SELECT membership.user_id, membership.conversation_id, (
        SELECT COALESCE(conversation.last_message_at, conversation.created_at)
        FROM chat_conversation conversation
        WHERE conversation.id = membership.conversation_id
          AND conversation.member_count <= {small}
      ) AS at
      FROM chat_membership membership
      WHERE membership.user_id {people} AND membership.left_at IS NULL
    ) seats
  ) ranked WHERE place <= {most} AND at IS NOT NULL
) near
GROUP BY user_id
"""
_POSTGRESQL: Final = {
    "joined": "STRING_AGG",
    "in_order": " ORDER BY conversation_id",
    "by_user": " ORDER BY other.user_id",
}
_SQLITE: Final = {"joined": "GROUP_CONCAT", "in_order": "", "by_user": ""}
#: Both at once: a row has the one or the other.
_SURROUNDINGS: Final = f"""
SELECT name, numbers, NULL FROM ({NUMBERS}) standings
UNION ALL
SELECT user_id, NULL, receipts FROM ({_BESIDE}) positions
"""  # noqa: S608  # our own words


class _Place(Struct):
    conversation: str


#: Two ways to read the same, each a fraction of the work of `_read`.
_texts: Final = msgspec.json.Decoder(list[Raw]).decode
_places: Final = msgspec.json.Decoder(list[_Place]).decode
_read: Final = msgspec.json.Decoder(list[Receipt]).decode
_users_in: Final = re.compile('"user":"([^"]+)"').findall


class Position(NamedTuple):
    """How far a member has got in a conversation."""

    conversation_id: UUID
    user_id: UUID
    read_seq: int
    delivered_seq: int


class Beside(NamedTuple):
    """The positions of those with whom somebody shares small conversations, oneself included."""

    #: A JSON array of `protocol.Receipt`.
    receipts: str
    #: The ids of these people.
    people: set[str]

    @classmethod
    def among(cls, receipts: str) -> Self:
        """From the texts of the receipts, with commas between them."""
        return cls(f"[{receipts}]", set(_users_in(receipts)))

    @classmethod
    def of(cls, receipts: Sequence[Receipt]) -> Self:
        people = {str(each.user) for each in receipts}
        return cls(msgspec.json.encode(receipts).decode(), people)

    def without(self, conversations: Collection[UUID]) -> Self:
        """Those elsewhere than in these."""
        if not conversations:
            return self
        others, places = set(map(str, conversations)), _places(self.receipts)
        texts = zip(_texts(self.receipts), places, strict=True)
        kept = [bytes(text) for text, place in texts if place.conversation not in others]
        return self.among(b",".join(kept).decode())


NOBODY: Final = Beside("[]", set())


class Surroundings(NamedTuple):
    """What a person may read, and how far those beside them have got."""

    standing: Standing
    beside: Beside


def beside(user_ids: Collection[UUID]) -> dict[UUID, Beside]:
    """The newest small conversations of each of these people, in one query for all of them."""
    people = [str(each) for each in user_ids]
    found = dict(_beside_from(rows_for(people, _BESIDE, **_words())))
    return {each: found.get(each, NOBODY) for each in user_ids}


def surroundings_of(user_ids: Collection[UUID]) -> dict[UUID, Surroundings]:
    """What `standings_of` and `beside` say, in one query and as of one moment."""
    people = [str(each) for each in user_ids]
    rows = rows_for(people, _SURROUNDINGS, column="version", **_words())
    standings = standings_from(people, (row[:2] for row in rows if row[2] is None))
    around = dict(_beside_from((name, told) for name, _, told in rows if told is not None))
    return {each: Surroundings(standings[str(each)], around.get(each, NOBODY)) for each in user_ids}


def _words() -> dict[str, str]:
    numbers = {"small": limits.SMALL_CONVERSATION, "most": limits.PRESENCE_CONVERSATIONS}
    words = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    return {**words, **{name: str(number) for name, number in numbers.items()}}


def _beside_from(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[UUID, Beside]]:
    for user_id, receipts in rows:
        if connection.vendor == "postgresql":
            yield UUID(user_id), Beside.among(receipts)
        else:
            # It keeps ids as another text, and doesn't sort.
            ordered = sorted(
                _read(f"[{receipts}]"), key=lambda each: (each.conversation, each.user)
            )
            yield UUID(user_id), Beside.of(ordered)
