"""How far people have got in what they share with others."""

import re
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, Self
from uuid import UUID

import msgspec
from django.db import connection

from chat import limits
from chat.protocol import Receipt
from chat.queries.devices import rows_for

# The texts are put together by the database: of a device in 20 conversations of 10 people that is
# a row instead of 200.
_BESIDE: Final = """
WITH near (user_id, conversation_id) AS (
  SELECT user_id, conversation_id FROM (
    SELECT membership.user_id, membership.conversation_id,
           ROW_NUMBER() OVER (
             PARTITION BY membership.user_id
             ORDER BY COALESCE(conversation.last_message_at, conversation.created_at) DESC
           ) AS place
    FROM chat_membership membership
    JOIN chat_conversation conversation ON conversation.id = membership.conversation_id
    WHERE membership.user_id {people} AND membership.left_at IS NULL
      AND conversation.member_count <= {small}
  ) ranked WHERE place <= {most}
)
SELECT near.user_id{as_text}, {joined}(
    '{{"user":"' || other.user_id || '","read_seq":' || other.read_seq
    || ',"delivered_seq":' || other.delivered_seq
    || ',"conversation":"' || other.conversation_id || '"}}', ','{in_order})
FROM near
JOIN chat_membership other ON other.conversation_id = near.conversation_id
WHERE other.left_at IS NULL
GROUP BY near.user_id
"""
_POSTGRESQL: Final = {"joined": "STRING_AGG", "in_order": " ORDER BY other.user_id"}
_SQLITE: Final = {"joined": "GROUP_CONCAT", "in_order": ""}

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
    def of(cls, receipts: Sequence[Receipt]) -> Self:
        people = {str(each.user) for each in receipts}
        return cls(msgspec.json.encode(receipts).decode(), people)

    def without(self, conversations: Collection[UUID]) -> Self:
        """Those elsewhere than in these."""
        if not conversations:
            return self
        found = _read(self.receipts)
        return self.of([each for each in found if each.conversation not in conversations])


NOBODY: Final = Beside("[]", set())


def beside(user_ids: Collection[UUID]) -> dict[UUID, Beside]:
    """The newest small conversations of each of these people, in one query for all of them."""
    on_postgres = connection.vendor == "postgresql"
    numbers = {"small": limits.SMALL_CONVERSATION, "most": limits.PRESENCE_CONVERSATIONS}
    words = {name: str(number) for name, number in numbers.items()}
    rows = rows_for(
        [str(each) for each in user_ids],
        _BESIDE,
        **(_POSTGRESQL if on_postgres else _SQLITE),
        **words,
    )
    found = dict.fromkeys(user_ids, NOBODY)
    for user_id, receipts in rows:
        if on_postgres:
            found[UUID(user_id)] = Beside(f"[{receipts}]", set(_users_in(receipts)))
        else:
            # It keeps ids as another text, and doesn't sort.
            ordered = sorted(_read(f"[{receipts}]"), key=lambda each: each.user)
            found[UUID(user_id)] = Beside.of(ordered)
    return found
