"""How far people have read and received; states, not history, so not versioned."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import reduce
from operator import or_
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Manager, Q

from accounts.models import User
from chat import fanout, presenters
from chat.errors import NoSuchConversation
from chat.models import Conversation, Membership, Mention, Message
from pneumatic.lib.database import asyncpostgres
from pneumatic.lib.database.threads import in_database

#: A person and a conversation.
_Key = tuple[UUID, UUID]
_STATEMENT: Final = "SELECT * FROM chat_mark(%s)"
_encode: Final = msgspec.json.Encoder().encode


class Mark(NamedTuple):
    """Somebody says that they have read, and received, everything up to these places."""

    user: User
    conversation_id: UUID
    read: int
    delivered: int


class Position(NamedTuple):
    """How far the person is now, and how it came to that."""

    #: The membership as far as it tells that.
    membership: Membership
    moved: bool
    last_seq: int
    ended: int
    #: Unread ones; counted only where the position moved.
    mentions: int


def mark_read(*, user: User, conversation_id: UUID, seq: int) -> Membership:
    """Everything up to `seq` has been read, and so delivered; never moves backwards."""
    return _alone(Mark(user, conversation_id, read=seq, delivered=seq))


def mark_delivered(*, user: User, conversation_id: UUID, seq: int) -> Membership:
    """Everything up to `seq` has reached a device of the person; never moves backwards."""
    return _alone(Mark(user, conversation_id, read=0, delivered=seq))


def mark_all(*, marks: Sequence[Mark]) -> list[Membership | NoSuchConversation]:
    """Move these positions in one transaction; where each is then, in their order.

    No two are of the same person in the same conversation.
    """
    store = _at_once if connection.vendor == "postgresql" else _by_statement
    return _announced(store(marks))


async def amark_all(*, marks: Sequence[Mark]) -> list[Membership | NoSuchConversation]:
    """As `mark_all`, from the event loop, and as fast as the database can."""
    if settings.ON_SQLITE:
        return await in_database(mark_all, marks=marks)
    return _announced(_positions(marks, await asyncpostgres.rows(_STATEMENT, _parameters(marks))))


def _announced(
    positions: Iterable[Position | None],
) -> list[Membership | NoSuchConversation]:
    results: list[Membership | NoSuchConversation] = []
    for position in positions:
        if position is None:
            results.append(NoSuchConversation())
            continue
        membership = position.membership
        if position.moved:
            fanout.receipt_moved(
                membership,
                unread=presenters.unread(position.last_seq, membership),
                mentions=position.mentions,
                ended=position.ended,
            )
        results.append(membership)
    return results


def _alone(mark: Mark) -> Membership:
    (result,) = mark_all(marks=[mark])
    if isinstance(result, NoSuchConversation):
        raise result
    return result


# --- On PostgreSQL, in one statement ------------------------------------------------------------


class _Row(NamedTuple):
    """What the function says of a mark; the rest is None unless it is a member's."""

    is_member: bool
    moved: bool
    read_seq: int
    delivered_seq: int
    own_after_read: int
    last_seq: int
    ended: int
    mentions: int


def _at_once(marks: Sequence[Mark]) -> list[Position | None]:
    """The function is in the migrations; what it does is what `_by_statement` does."""
    # In somebody else's transaction a savepoint: what fails here undoes nothing of theirs.
    own = transaction.atomic() if connection.in_atomic_block else nullcontext()
    with own, connection.cursor() as cursor:
        cursor.execute(_STATEMENT, _parameters(marks))
        return _positions(marks, cursor.fetchall())


def _parameters(marks: Iterable[Mark]) -> list[str]:
    asked = [
        {
            "person": mark.user.id,
            "conversation": mark.conversation_id,
            "read": mark.read,
            "delivered": mark.delivered,
        }
        for mark in marks
    ]
    return [_encode(asked).decode()]


def _positions(marks: Iterable[Mark], rows: Iterable[tuple[Any, ...]]) -> list[Position | None]:
    return [
        _position(mark, row) if row.is_member else None
        for mark, row in zip(marks, map(_Row._make, rows), strict=True)
    ]


def _position(mark: Mark, row: _Row) -> Position:
    membership = Membership(
        conversation_id=mark.conversation_id,
        user_id=mark.user.id,
        read_seq=row.read_seq,
        delivered_seq=row.delivered_seq,
        own_after_read=row.own_after_read,
    )
    return Position(membership, row.moved, row.last_seq, row.ended, row.mentions)


# --- On any database, statement by statement ----------------------------------------------------


def _by_statement(marks: Sequence[Mark]) -> list[Position | None]:
    whose = reduce(or_, (Q(user=mark.user, conversation=mark.conversation_id) for mark in marks))
    with transaction.atomic():
        rows = Membership.objects.select_for_update().filter(whose, left_at=None).order_by("id")
        seats: dict[_Key, Membership] = {(row.user_id, row.conversation_id): row for row in rows}
        # Asked after the memberships' rows are locked, so that no message of one's own slips
        # between.
        rooms = Conversation.objects.in_bulk({mark.conversation_id for mark in marks})
        read_before = {key: seat.read_seq for key, seat in seats.items()}
        moved = [
            seat
            for mark in marks
            if (seat := seats.get(_whose(mark)))
            and _moves(seat, mark, rooms[mark.conversation_id].last_seq)
        ]
        own = _own_between({key: (read_before[key], seat.read_seq) for key, seat in seats.items()})
        for key, count in own.items():
            seats[key].own_after_read -= count
        Membership.objects.bulk_update(moved, ["read_seq", "delivered_seq", "own_after_read"])
        mentions = _unread_mentions(moved)
    return [
        _position_of(seats.get(_whose(mark)), rooms.get(mark.conversation_id), moved, mentions)
        for mark in marks
    ]


def _whose(mark: Mark) -> _Key:
    return mark.user.id, mark.conversation_id


def _position_of(
    seat: Membership | None,
    room: Conversation | None,
    moved: Sequence[Membership],
    mentions: Mapping[_Key, int],
) -> Position | None:
    if seat is None or room is None:
        return None
    unread = mentions.get((seat.user_id, seat.conversation_id), 0)
    return Position(seat, seat in moved, room.last_seq, room.ended_version, unread)


def _moves(seat: Membership, mark: Mark, last_seq: int) -> bool:
    """Move the position in memory; whether that changed anything."""
    before = seat.read_seq, seat.delivered_seq
    seat.read_seq = max(seat.read_seq, min(mark.read, last_seq))
    seat.delivered_seq = max(seat.delivered_seq, min(mark.delivered, last_seq))
    return before != (seat.read_seq, seat.delivered_seq)


def _own_between(ranges: Mapping[_Key, tuple[int, int]]) -> Mapping[_Key, int]:
    """How many messages of one's own lie behind the first place and not behind the second.

    Only what lies between is counted: somebody far behind has much after it.
    """
    between = (
        Q(sender=user_id, conversation=conversation_id, seq__gt=first, seq__lte=last)
        for (user_id, conversation_id), (first, last) in ranges.items()
        if first < last
    )
    return _counts(Message.objects, "sender", between)


def _unread_mentions(seats: Sequence[Membership]) -> Mapping[_Key, int]:
    after = (
        Q(user=seat.user_id, conversation=seat.conversation_id, seq__gt=seat.read_seq)
        for seat in seats
    )
    return _counts(Mention.objects, "user", after)


def _counts(rows: Manager[Any], whose: str, conditions: Iterable[Q]) -> Mapping[_Key, int]:
    wanted = list(conditions)
    if not wanted:
        return {}
    found = rows.filter(reduce(or_, wanted)).values_list(whose, "conversation")
    return {(user, where): count for user, where, count in found.annotate(count=Count("*"))}
