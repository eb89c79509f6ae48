"""Give new messages their places: what everything that writes into a timeline shares."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models.functions import Lower

from chat import fanout
from chat.models import Conversation, Membership, Mention, Message

_MENTION: Final = re.compile(r"(?<![\w@./-])@([A-Za-z0-9][A-Za-z0-9._-]{1,31})")
# People that one message can mention.
_MENTIONS: Final = 50


_ID: Final = Conversation._meta.get_field("id")
_MOMENT: Final = Conversation._meta.get_field("last_message_at")


def append(messages: Sequence[Message], *, now: datetime) -> None:
    """Store and announce messages, in this order; their conversations' rows must be locked.

    A handful of statements, however many messages there are and of however many conversations.
    """
    for message in messages:
        conversation = message.conversation
        conversation.last_seq += 1
        conversation.last_message_at = message.created_at = now
        message.seq = conversation.last_seq
        message.version = conversation.next_version()
    Message.objects.bulk_create(messages)
    _count(messages)
    _count_own(messages)
    count_mentions(messages)
    fanout.messages_sent((each, each.conversation.ended_version) for each in messages)


def names_in(body: str) -> set[str]:
    """The names that follow an `@`, in lower case; anybody's."""
    if "@" not in body:
        return set()
    return {name.rstrip("._-").lower() for name in _MENTION.findall(body)}


def mentioned_in(bodies: Iterable[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], list[str]]:
    """The ids of the members whom each body names with `@username`, by conversation and body."""
    named = {(conversation_id, body): names_in(body) for conversation_id, body in bodies}
    names = set().union(*named.values())
    found: dict[tuple[UUID, str], list[str]] = defaultdict(list)
    if not names:
        return found
    members = (
        Membership.objects.filter(
            conversation__in={conversation_id for conversation_id, _ in named}, left_at=None
        )
        .annotate(name=Lower("user__username"))
        .filter(name__in=names)
        .order_by("id")
        .values_list("conversation_id", "name", "user_id")
    )
    for conversation_id, name, user_id in members:
        for key, wanted in named.items():
            if key[0] == conversation_id and name in wanted and len(found[key]) < _MENTIONS:
                found[key].append(str(user_id))
    return found


def count_mentions(messages: Iterable[Message]) -> None:
    """Let each mention count as unread for whom it names, unless that is the sender."""
    mentions = [
        Mention(
            message=message,
            user_id=UUID(user_id),
            conversation=message.conversation,
            seq=message.seq,
        )
        for message in messages
        for user_id in message.mentioned
        if user_id != str(message.sender_id)
    ]
    if mentions:
        Mention.objects.bulk_create(mentions)


def _count(messages: Iterable[Message]) -> None:
    """Store the conversations' counters."""
    last = {message.conversation_id: message.conversation for message in messages}
    _for_each(
        "UPDATE chat_conversation SET last_seq = %s, version = %s, last_message_at = %s"
        " WHERE id = %s",
        [
            (each.last_seq, each.version, _moment(each.last_message_at), _id(each.id))
            for each in last.values()
        ],
    )


def _count_own(messages: Sequence[Message]) -> None:
    """One's own messages are never unread: whoever had read everything has read them too."""
    seqs: dict[tuple[UUID, UUID | None], list[int]] = defaultdict(list)
    for message in messages:
        seqs[message.conversation_id, message.sender_id].append(message.seq)
    rows = []
    for (conversation_id, user_id), places in seqs.items():
        first, through = places[0], places[0]
        while through + 1 in places:
            through += 1
        later = sum(place > through for place in places)
        before = first - 1
        where = _id(conversation_id), _id(user_id)
        rows.append((before, through, before, later, len(places), places[-1], *where))
    # In one statement a membership, because others move it meanwhile.
    _for_each(
        "UPDATE chat_membership SET"
        " read_seq = CASE WHEN read_seq = %s - own_after_read THEN %s ELSE read_seq END,"
        " own_after_read = CASE WHEN read_seq = %s - own_after_read THEN %s"
        " ELSE own_after_read + %s END,"
        " delivered_seq = %s"
        " WHERE conversation_id = %s AND user_id = %s AND left_at IS NULL",
        rows,
    )


def _for_each(sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """One statement with many parameters: built and parsed once, and found by key each time.

    `bulk_update` would build one with a case for each row, which takes ten times as long.
    """
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def _id(value: UUID | None) -> Any:
    return _ID.get_db_prep_value(value, connection)


def _moment(value: datetime | None) -> Any:
    return _MOMENT.get_db_prep_value(value, connection)
