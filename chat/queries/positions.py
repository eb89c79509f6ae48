"""How far people have got in what they share with others."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

import msgspec
from django.db import connection

from chat import limits
from chat.protocol import Receipt
from chat.queries.devices import Standing, rows_for, standings_from

# A person's conversations, each found by its key, as in `devices.NUMBERS`, and only once: in the
# order of the keys, so that one is often on the page of the index that the last one was on.
_SEATS: Final = """
WITH seats AS (
  SELECT membership.user_id, membership.conversation_id, conversation.version,
    CASE WHEN conversation.member_count <= {small}
      THEN COALESCE(conversation.last_message_at, conversation.created_at) END AS at
  FROM (
    SELECT user_id, conversation_id FROM chat_membership
    WHERE user_id {people} AND left_at IS NULL ORDER BY conversation_id
  ) membership
  CROSS JOIN {conversation} conversation WHERE conversation.id = membership.conversation_id
)
"""
_STANDINGS: Final = """
SELECT user_id{as_text} AS user_id, {object}(conversation_id, version){as_text} AS numbers, NULL
FROM seats GROUP BY user_id
UNION ALL SELECT epoch{as_text}, NULL, NULL FROM chat_history
"""
# The texts are put together by the database: of a device in 20 conversations of 10 people that is
# a row instead of 200. Those of a conversation stand between semicolons, which they hold none of.
_NEAR: Final = """
SELECT user_id{as_text} AS user_id, NULL AS numbers, {joined}(told, ';'{in_order}) AS receipts
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
    FROM seats
  ) ranked WHERE place <= {most} AND at IS NOT NULL
) near
GROUP BY user_id
"""
_POSTGRESQL: Final = {
    "joined": "STRING_AGG",
    "in_order": " ORDER BY conversation_id",
    "by_user": " ORDER BY other.user_id",
    # OFFSET 0: by no other way than from the seats on.
    "conversation": (
        "LATERAL (SELECT * FROM chat_conversation WHERE id = membership.conversation_id OFFSET 0)"
    ),
}
_SQLITE: Final = {
    "joined": "GROUP_CONCAT",
    "in_order": "",
    "by_user": "",
    "conversation": "chat_conversation",
}
_BESIDE: Final = f"{_SEATS}{_NEAR}"
#: Both at once: a row has the one or the other.
_SURROUNDINGS: Final = f"{_SEATS}{_STANDINGS}UNION ALL{_NEAR}"

_read: Final = msgspec.json.Decoder(list[Receipt]).decode
#: Where the conversation's id stands in the text of its receipts: in the last one, before `"}`.
_OF: Final = slice(-38, -2)
#: Where the person's id stands in the text of a receipt: after `,{"user":"`.
_WHO: Final = slice(10, 46)


class Position(NamedTuple):
    """How far a member has got in a conversation."""

    conversation_id: UUID
    user_id: UUID
    read_seq: int
    delivered_seq: int


@dataclass(frozen=True)
class Beside:
    """The positions of those with whom somebody shares small conversations, oneself included.

    Of a device in many that is a text of some 300 KB, mostly sent as it is: each look at a part of
    it, and each copy, takes as long as many a whole answer.
    """

    #: The `protocol.Receipt`s of each conversation as JSON, with commas between; and semicolons
    #: between the conversations.
    told: str

    @cached_property
    def receipts(self) -> str:
        """A JSON array of all of them."""
        return f"[{self.told.replace(';', ',')}]"

    @cached_property
    def people(self) -> set[str]:
        """The ids of these people."""
        # Each receipt but the first begins with a comma or a semicolon; after the last is nothing.
        return {each[_WHO] for each in f",{self.told}".split("}")[:-1]}

    def without(self, conversations: Collection[str]) -> Self:
        """Those elsewhere than in these."""
        if not conversations or not self.told:
            return self
        told = {each[_OF]: each for each in self.told.split(";")}
        if told.keys().isdisjoint(conversations):
            return self
        out = set(conversations)
        return type(self)(";".join([text for of, text in told.items() if of not in out]))


NOBODY: Final = Beside("")


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
    rows = rows_for(people, _SURROUNDINGS, **_words())
    standings = standings_from(people, (row[:2] for row in rows if row[2] is None))
    around = dict(_beside_from(row for row in rows if row[2] is not None))
    return {each: Surroundings(standings[str(each)], around.get(each, NOBODY)) for each in user_ids}


def _words() -> dict[str, str]:
    numbers = {"small": limits.SMALL_CONVERSATION, "most": limits.PRESENCE_CONVERSATIONS}
    words = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    return {**words, **{name: str(number) for name, number in numbers.items()}}


def _beside_from(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[UUID, Beside]]:
    for user_id, _, receipts in rows:
        if connection.vendor != "postgresql":
            # It keeps ids as another text, and doesn't sort.
            receipts = ";".join(sorted(map(_as_written, receipts.split(";")), key=itemgetter(_OF)))
        yield UUID(user_id), Beside(receipts)


def _as_written(told: str) -> str:
    receipts = sorted(_read(f"[{told}]"), key=attrgetter("user"))
    return msgspec.json.encode(receipts).decode()[1:-1]
