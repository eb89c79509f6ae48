"""What a device has missed: the frames of a `sync`, read part by part.

First one query tells which conversations have another version than the client says: two numbers and
an id for each of the person's. Only those that differ are looked at any further. What changed in
them is then read in parts, three queries each: the members that changed, the messages that changed,
and the positions of those who share small conversations. A part is at most `PART_CONVERSATIONS` of
them and about `PART_ROWS` rows, unless a single conversation has more. That one comes whole, which
is at most `limits.SYNC_MAX` rows, or for a reset a page of messages and everybody who ever was a
member. So whoever sends one part before reading the next needs no more memory for a thousand
conversations.

No row is newer than the version that was read along with the person's membership: what was written
after that may have been written after the membership ended. A row that changes meanwhile, also
between two parts, is left out here, and comes with its new version, live or by the next sync.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Model

from accounts.models import User
from chat import limits, presenters, protocol
from chat.models import Conversation, Membership, Message
from chat.queries import (
    NOBODY,
    Beside,
    Position,
    Standing,
    beside,
    positions_in,
    seats_of,
    standings_of,
)

Row = TypeVar("Row", bound=Model)

#: Conversations of one part, which are named in each of its statements.
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
    #: Of conversations that didn't change; the positions in the others are in their frames.
    beside: Beside


class Page(NamedTuple):
    """One part, read: its frames in the order to send, and who shares its small conversations."""

    frames: list[protocol.SyncFrame]
    #: The ids of these people.
    acquaintances: set[str]


def since(
    user: User,
    versions: Mapping[UUID, int],
    *,
    same_history: bool,
    partial: bool = False,
    states: bool = False,
    standing: Standing | None = None,
    around: Beside | None = None,
) -> Catchup:
    """What changed after the client's `versions` of its conversations.

    With `partial` only the conversations named in `versions` are looked at, else all of the
    person's. Unless `same_history`, the client's versions mean nothing here. `states` brings the
    positions in the newest small conversations along, also where nothing changed. `standing` is
    what the person may read, and `around` who is beside them, where that has just been read.
    """
    known = versions if same_history else {}
    seats = seats_of(user)
    current = set[UUID]()
    if known or partial:
        now = (standing or standings_of([user.id])[user.id]).versions
        asked = [each for each in (versions if partial else now) if each in now]
        current = {each for each in asked if known.get(each) == now[each]}
        seats = seats.filter(conversation__in=[each for each in asked if each not in current])
    behind = [_behind(seat, known.get(seat.conversation_id)) for seat in seats]
    changed = {each.seat.conversation_id for each in behind}
    readable = current | changed
    unchanged = NOBODY
    if states and current:
        unchanged = (around or beside([user.id])[user.id]).without(changed)
    return Catchup(
        list(_parts(sorted(behind, key=_latest_first))),
        removed=[known_id for known_id in versions if known_id not in readable],
        readable=readable,
        beside=unchanged,
    )


def nothing_new(standing: Standing, around: Beside) -> Catchup:
    """Where the client knows all that there is."""
    return Catchup([], removed=[], readable=set(standing.versions), beside=around)


def page(part: Part) -> Page:
    """Read a part's frames, as of the moment that `since` looked."""
    members = _changed_members(part)
    messages = _changed_messages(part)
    positions = _by_conversation(
        positions_in([each.seat.conversation_id for each in part if _is_small(each.seat)])
    )
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
    met = {str(each.user_id) for rows in positions.values() for each in rows}
    return Page(frames, met - {str(each.seat.user_id) for each in part})


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
    found = _by_conversation(
        # All have a version above 0: a reset brings every member.
        _rows_in(
            [(each, each.since, each.seat.conversation.version) for each in part],
            Membership,
            "row.version > span.after AND row.version <= span.last",
            columns="row.*, person.username, person.display_name",
            joined="JOIN accounts_user person ON person.id = row.user_id",
        )
    )
    people = dict[UUID, User]()
    for row in (row for rows in found.values() for row in rows):
        if row.user_id not in people:
            names = {name: getattr(row, name) for name in ("username", "display_name")}
            people[row.user_id] = User(id=row.user_id, **names)
        row.user = people[row.user_id]
    return found


def _changed_messages(part: Part) -> Mapping[UUID, list[Message]]:
    changes = [
        (each, each.since, each.seat.conversation.version) for each in part if not each.reset
    ]
    newest = [
        (each, each.seat.conversation.last_seq - limits.PAGE, each.seat.conversation.last_seq)
        for each in part
        if each.reset
    ]
    changed = _rows_in(changes, Message, "row.version > span.after AND row.version <= span.last")
    pages = _rows_in(newest, Message, "row.seq > span.after AND row.seq <= span.last")
    versions = {each.seat.conversation_id: each.seat.conversation.version for each in part}
    # Not a condition of the statement: it would make the index of the versions look as good, which
    # has to be read from the conversation's beginning.
    current = (row for row in pages if row.version <= versions[row.conversation_id])
    return _by_conversation([*changed, *current])


def _rows_in(
    spans: Sequence[tuple[_Behind, int, int]],
    model: type[Row],
    condition: str,
    *,
    columns: str = "row.*",
    joined: str = "",
) -> Iterable[Row]:
    """The rows of some conversations, `after` one number and up to a `last` one, in one statement.

    A join and not a condition for each conversation, which takes a multiple of its execution to
    put together and to plan, and which SQLite refuses from a thousand on.
    """
    if not spans:
        return []
    table, id_field = connection.ops.quote_name(model._meta.db_table), Conversation._meta.pk
    values = ", ".join(["(%s, %s, %s)"] * len(spans))
    given = [
        number
        for each, after, last in spans
        for number in (
            id_field.get_db_prep_value(each.seat.conversation_id, connection),
            after,
            last,
        )
    ]
    return model._default_manager.raw(
        f"WITH span (conversation_id, after, last) AS (VALUES {values})"  # noqa: S608  # our own words
        f" SELECT {columns} FROM span JOIN {table} AS row"
        f" ON row.conversation_id = span.conversation_id AND {condition} {joined}",
        given,
    )


def _by_conversation(rows: Iterable[Any]) -> Mapping[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.conversation_id].append(row)
    return found


def _is_small(seat: Membership) -> bool:
    return seat.conversation.member_count <= limits.SMALL_CONVERSATION


def _frames(
    each: _Behind,
    members: Sequence[Membership],
    messages: Sequence[Message],
    positions: Sequence[Position],
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
