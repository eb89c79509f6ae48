"""What a device has missed: the frames of a `sync`.

Four queries, however many conversations: the person's memberships, the members that changed, the
messages that changed, and the positions of those who share small conversations. No row is newer
than the version that was read along with the person's membership: what was written after that may
have been written after the membership ended. A row that changes meanwhile is left out here, and
comes with its new version, live or by the next sync.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from chat import limits, presenters, protocol
from chat.models import Membership, Message
from chat.queries import seats_of

T = TypeVar("T")

# Conditions joined in one statement; SQLite refuses expressions deeper than 1,000.
_CONDITIONS = 200


class Catchup(NamedTuple):
    """`frames` in the order to send; `removed` are conversations that the client must drop."""

    frames: list[protocol.SyncFrame]
    removed: list[UUID]
    #: Every conversation that the person may read, of those that were asked about.
    readable: set[UUID]
    receipts: list[protocol.Receipt]
    #: People who share a small conversation with the person.
    acquaintances: set[UUID]


class _Behind(NamedTuple):
    seat: Membership
    since: int
    reset: bool


def since(
    user: User,
    versions: Mapping[UUID, int],
    *,
    same_history: bool,
    partial: bool = False,
    states: bool = False,
) -> Catchup:
    """What changed after the client's `versions` of its conversations.

    With `partial` only the conversations named in `versions` are looked at, else all of the
    person's. Unless `same_history`, the client's versions mean nothing here. `states` brings the
    positions of all small conversations along, not only of those that changed.
    """
    known = versions if same_history else {}
    seats = seats_of(user)
    if partial:
        seats = seats.filter(conversation__in=list(versions))
    mine = list(seats)
    readable = {seat.conversation_id for seat in mine}
    behind = [
        _behind(seat, known.get(seat.conversation_id))
        for seat in mine
        if known.get(seat.conversation_id) != seat.conversation.version
    ]
    members = _changed_members(behind)
    messages = _changed_messages(behind)
    changed = {each.seat.conversation_id for each in behind}
    positions = _positions(mine, changed, all_small=states)
    frames = [
        frame
        for each in sorted(behind, key=_latest_first)
        for frame in _frames(
            each,
            members[each.seat.conversation_id],
            messages[each.seat.conversation_id],
            positions[each.seat.conversation_id],
        )
    ]
    return Catchup(
        frames,
        removed=[known_id for known_id in versions if known_id not in readable],
        readable=readable,
        receipts=[
            presenters.receipt_in(row)
            for conversation_id, rows in positions.items()
            if conversation_id not in changed
            for row in rows
        ],
        acquaintances={row.user_id for rows in positions.values() for row in rows} - {user.id},
    )


def _behind(seat: Membership, known: int | None) -> _Behind:
    """A reset where the version is unknown, too old, or ahead of us (a restored backup)."""
    if known is None or not 0 <= seat.conversation.version - known <= limits.SYNC_MAX:
        return _Behind(seat, since=0, reset=True)
    return _Behind(seat, since=known, reset=False)


def _latest_first(each: _Behind) -> float:
    at = each.seat.conversation.last_message_at or each.seat.conversation.created_at
    return -at.timestamp()


def _changed_members(behind: Sequence[_Behind]) -> Mapping[UUID, list[Membership]]:
    found: dict[UUID, list[Membership]] = defaultdict(list)
    for condition in _conditions(behind, _changed):
        for row in Membership.objects.filter(condition).select_related("user").order_by("version"):
            found[row.conversation_id].append(row)
    return found


def _changed_messages(behind: Sequence[_Behind]) -> Mapping[UUID, list[Message]]:
    found: dict[UUID, list[Message]] = defaultdict(list)
    for condition in _conditions(behind, _changed_or_newest):
        for row in Message.objects.filter(condition).order_by("version"):
            found[row.conversation_id].append(row)
    return found


def _conditions(behind: Sequence[_Behind], condition: Callable[[_Behind], Q]) -> Iterator[Q]:
    for some in _chunks(behind, _CONDITIONS):
        yield reduce(or_, map(condition, some))


def _changed(each: _Behind) -> Q:
    conversation = each.seat.conversation
    # All have a version above 0: a reset brings every member.
    return Q(
        conversation=conversation.id,
        version__gt=each.since,
        version__lte=conversation.version,
    )


def _changed_or_newest(each: _Behind) -> Q:
    if not each.reset:
        return _changed(each)
    conversation = each.seat.conversation
    return Q(
        conversation=conversation.id,
        seq__gt=conversation.last_seq - limits.PAGE,
        version__lte=conversation.version,
    )


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _positions(
    mine: Sequence[Membership], changed: set[UUID], *, all_small: bool
) -> Mapping[UUID, list[Membership]]:
    small = [
        seat.conversation
        for seat in mine
        if seat.conversation.member_count <= limits.SMALL_CONVERSATION
    ]
    wanted = [each.id for each in small if each.id in changed]
    if all_small:
        small.sort(key=lambda each: each.last_message_at or each.created_at, reverse=True)
        wanted += [
            each.id for each in small[: limits.PRESENCE_CONVERSATIONS] if each.id not in changed
        ]
    found: dict[UUID, list[Membership]] = defaultdict(list)
    if wanted:
        for row in Membership.objects.filter(conversation__in=wanted, left_at=None).only(
            "conversation_id", "user_id", "read_seq", "delivered_seq"
        ):
            found[row.conversation_id].append(row)
    return found


def _frames(
    each: _Behind,
    members: Sequence[Membership],
    messages: Sequence[Message],
    positions: Sequence[Membership],
) -> Iterator[protocol.SyncFrame]:
    """One conversation's rows in frames of bounded size; only the last one moves `to`."""
    rows: list[Membership | Message] = sorted((*members, *messages), key=lambda row: row.version)
    pages = list(_chunks(rows, limits.SYNC_FRAME_ROWS)) or [()]
    data = presenters.conversation(each.seat.conversation, each.seat)
    for number, some in enumerate(pages, start=1):
        last = number == len(pages)
        yield protocol.SyncFrame(
            conversation=each.seat.conversation_id,
            from_=each.since,
            to=each.seat.conversation.version if last else each.since,
            reset=each.reset and number == 1,
            more=not last,
            data=data,
            members=[presenters.member(row) for row in some if isinstance(row, Membership)],
            messages=[presenters.message(row) for row in some if isinstance(row, Message)],
            receipts=[presenters.receipt(row) for row in positions] if last else [],
        )
