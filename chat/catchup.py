"""What a device has missed: the frames of a `sync`, read part by part.

First one query tells which conversations changed: the person's memberships. What changed is then
read in parts, three queries each: the members that changed, the messages that changed, and the
positions of those who share small conversations. A part is at most `PART_CONVERSATIONS` of them
and about `PART_ROWS` rows, unless a single conversation has more. That one comes whole, which is at
most `limits.SYNC_MAX` rows, or for a reset a page of messages and everybody who ever was a member.
So whoever sends one part before reading the next needs no more memory for a thousand conversations.

No row is newer than the version that was read along with the person's membership: what was written
after that may have been written after the membership ended. A row that changes meanwhile, also
between two parts, is left out here, and comes with its new version, live or by the next sync.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from chat import limits, presenters, protocol
from chat.models import Conversation, Membership, Message
from chat.queries import seats_of

#: Conversations of one part. Their conditions are joined in one statement, and SQLite refuses
#: expressions deeper than 1,000.
PART_CONVERSATIONS = 200
PART_ROWS = 1_000


class _Behind(NamedTuple):
    seat: Membership
    since: int
    reset: bool

    @property
    def rows(self) -> int:
        """How many rows there are to send: at most, and of a reset about."""
        conversation = self.seat.conversation
        if self.reset:
            return min(limits.PAGE, conversation.last_seq) + conversation.member_count
        return conversation.version - self.since


Part = Sequence[_Behind]


class Catchup(NamedTuple):
    """`parts` in the order to send, each for `page`; `removed` is what the client must drop."""

    parts: list[Part]
    removed: list[UUID]
    #: Every conversation that the person may read, of those that were asked about.
    readable: set[UUID]
    #: Positions in conversations that didn't change; those of the others are in their frames.
    receipts: list[protocol.Receipt]
    #: People who share a small conversation with the person, of those that didn't change.
    acquaintances: set[UUID]


class Page(NamedTuple):
    """One part, read: its frames in the order to send, and who shares its small conversations."""

    frames: list[protocol.SyncFrame]
    acquaintances: set[UUID]


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
    positions in the newest small conversations along, also where nothing changed.
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
    changed = {each.seat.conversation_id for each in behind}
    small = _newest_small(mine) if states else []
    positions = _positions([each for each in small if each.id not in changed])
    return Catchup(
        list(_parts(sorted(behind, key=_latest_first))),
        removed=[known_id for known_id in versions if known_id not in readable],
        readable=readable,
        receipts=[presenters.receipt_in(row) for rows in positions.values() for row in rows],
        acquaintances=_people_in(positions) - {user.id},
    )


def page(part: Part) -> Page:
    """Read a part's frames, as of the moment that `since` looked."""
    members = _changed_members(part)
    messages = _changed_messages(part)
    positions = _positions([each.seat.conversation for each in part if _is_small(each.seat)])
    frames = [
        frame
        for each in part
        for frame in _frames(
            each,
            members[each.seat.conversation_id],
            messages[each.seat.conversation_id],
            positions[each.seat.conversation_id],
        )
    ]
    return Page(frames, _people_in(positions) - {each.seat.user_id for each in part})


def _parts(behind: Sequence[_Behind]) -> Iterator[Part]:
    part: list[_Behind] = []
    rows = 0
    for each in behind:
        if part and (len(part) >= PART_CONVERSATIONS or rows + each.rows > PART_ROWS):
            yield part
            part, rows = [], 0
        part.append(each)
        rows += each.rows
    if part:
        yield part


def _behind(seat: Membership, known: int | None) -> _Behind:
    """A reset where the version is unknown, too old, or ahead of us (a restored backup)."""
    if known is None or not 0 <= seat.conversation.version - known <= limits.SYNC_MAX:
        return _Behind(seat, since=0, reset=True)
    return _Behind(seat, since=known, reset=False)


def _latest_first(each: _Behind) -> float:
    at = each.seat.conversation.last_message_at or each.seat.conversation.created_at
    return -at.timestamp()


def _changed_members(part: Part) -> Mapping[UUID, list[Membership]]:
    found: dict[UUID, list[Membership]] = defaultdict(list)
    changed = reduce(or_, map(_changed, part))
    for row in Membership.objects.filter(changed).select_related("user").order_by("version"):
        found[row.conversation_id].append(row)
    return found


def _changed_messages(part: Part) -> Mapping[UUID, list[Message]]:
    found: dict[UUID, list[Message]] = defaultdict(list)
    changed = reduce(or_, map(_changed_or_newest, part))
    for row in Message.objects.filter(changed).order_by("version"):
        found[row.conversation_id].append(row)
    return found


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


def _is_small(seat: Membership) -> bool:
    return seat.conversation.member_count <= limits.SMALL_CONVERSATION


def _newest_small(seats: Sequence[Membership]) -> list[Conversation]:
    small = [seat.conversation for seat in seats if _is_small(seat)]
    small.sort(key=lambda each: each.last_message_at or each.created_at, reverse=True)
    return small[: limits.PRESENCE_CONVERSATIONS]


def _positions(conversations: Sequence[Conversation]) -> Mapping[UUID, list[Membership]]:
    found: dict[UUID, list[Membership]] = defaultdict(list)
    if conversations:
        rows = Membership.objects.filter(conversation__in=conversations, left_at=None)
        wanted = rows.only("conversation_id", "user_id", "read_seq", "delivered_seq")
        # In one order, whichever way the database's statistics let it go just now.
        for row in wanted.order_by("user_id"):
            found[row.conversation_id].append(row)
    return found


def _people_in(positions: Mapping[UUID, Sequence[Membership]]) -> set[UUID]:
    return {row.user_id for rows in positions.values() for row in rows}


def _frames(
    each: _Behind,
    members: Sequence[Membership],
    messages: Sequence[Message],
    positions: Sequence[Membership],
) -> Iterator[protocol.SyncFrame]:
    """One conversation's rows in frames of bounded size; only the last one moves `to`."""
    rows: list[Membership | Message] = sorted((*members, *messages), key=lambda row: row.version)
    data = presenters.conversation(each.seat.conversation, each.seat)
    size = limits.SYNC_FRAME_ROWS
    for start in range(0, max(1, len(rows)), size):
        some, last = rows[start : start + size], start + size >= len(rows)
        yield protocol.SyncFrame(
            conversation=each.seat.conversation_id,
            from_=each.since,
            to=each.seat.conversation.version if last else each.since,
            reset=each.reset and start == 0,
            more=not last,
            data=data,
            members=[presenters.member(row) for row in some if isinstance(row, Membership)],
            messages=[presenters.message(row) for row in some if isinstance(row, Message)],
            receipts=[presenters.receipt(row) for row in positions] if last else [],
        )
