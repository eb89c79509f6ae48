"""What a device has missed: the frames of a `sync`, read part by part.

First one query tells which conversations have another version than the client says: a number and
an id for each of the person's. Only those that differ are looked at any further. What changed in
them is then read in parts, a query each: one's own place, the members that changed, the messages
that changed, and the positions of those who share small conversations. A part is at most
`PART_CONVERSATIONS` of them and about `PART_ROWS` rows, unless a single conversation has more. That
one comes whole, which is at most `limits.SYNC_MAX` rows, or for a reset a page of messages and
everybody who ever was a member. So whoever sends one part before reading the next needs no more
memory for a thousand conversations. How large resets are, and which conversations are the newest
where there is more than one part, takes a query more.

A part is read as of one moment, in which the person is a member; where they aren't any more, it is
left out. A row that changes after that, also between two parts, comes with its new version, live or
by the next sync.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from accounts.models import User
from chat import limits, presenters, protocol
from chat.models import Membership
from chat.queries import (
    NOBODY,
    Asked,
    Beside,
    Changes,
    ListedMessage,
    Outline,
    Standing,
    beside,
    changes_in,
    outlines_of,
    standings_of,
)

#: Conversations of one part, which are named in its statement.
PART_CONVERSATIONS = 200
PART_ROWS = 1_000


class Part(NamedTuple):
    """What is read at once."""

    user_id: UUID
    asked: Sequence[Asked]


class Catchup(NamedTuple):
    """`parts` in the order to send, each for `page`; `removed` is what the client must drop.

    Conversations are named by the texts of their ids, such as `str` makes them: a device may be in
    a thousand, and Python compares ids by itself.
    """

    parts: list[Part]
    removed: list[str]
    #: Every conversation that the person may read, of those that were asked about.
    readable: set[str]
    #: Of conversations that didn't change; the positions in the others are in their frames.
    beside: Beside


class Page(NamedTuple):
    """One part, read: its frames in the order to send, and who shares its small conversations."""

    frames: list[protocol.SyncFrame]
    #: The ids of these people, by conversation.
    acquaintances: Mapping[str, set[str]]
    #: What the person is no member of any more.
    gone: set[str]


def since(
    user: User,
    versions: Mapping[str, int],
    *,
    same_history: bool,
    partial: bool = False,
    states: bool = False,
    standing: Standing | None = None,
    around: Beside | None = None,
) -> Catchup:
    """What changed after the client's `versions` of its conversations, by the texts of their ids.

    With `partial` only the conversations named in `versions` are looked at, else all of the
    person's. Unless `same_history`, the client's versions mean nothing here. `states` brings the
    positions in the newest small conversations along, also where nothing changed. `standing` is
    what the person may read, and `around` who is beside them, where that has just been read.
    """
    known = versions if same_history else {}
    current, changed = set[str](), set[str]()
    parts: list[Part] = []
    if known:
        now = (standing or standings_of([user.id])[user.id]).versions
        asked = now.keys() & versions.keys() if partial else now.keys()
        changed = {each for each in asked if known.get(each) != now[each]}
        current = set(asked) - changed
        parts = _small(user, [_asked(each, known.get(each), now[each]) for each in changed], now)
    if not known or (changed and not parts):
        named = changed if known else versions if partial else None
        outlines = outlines_of(user.id, named)
        changed = {str(each.conversation_id) for each in outlines}
        parts = list(_parts(user, known, sorted(outlines, key=lambda each: each.at, reverse=True)))
    readable = current | changed
    unchanged = NOBODY
    if states and current:
        unchanged = (around or beside([user.id])[user.id]).without(now.keys() - current)
    return Catchup(
        parts,
        removed=[known_id for known_id in versions if known_id not in readable],
        readable=readable,
        beside=unchanged,
    )


def nothing_new(standing: Standing, around: Beside) -> Catchup:
    """Where the client knows all that there is."""
    return Catchup([], removed=[], readable=set(standing.versions), beside=around)


def page(part: Part) -> Page:
    """Read a part's frames, as of now."""
    found = changes_in(*part)
    found.sort(key=attrgetter("at"), reverse=True)
    frames = [frame for each in found for frame in _frames(each)]
    met = {
        str(each.conversation.id): {str(position.user_id) for position in each.positions}
        for each in found
    }
    return Page(frames, met, {str(each.conversation_id) for each in part.asked} - met.keys())


def _small(user: User, asked: Sequence[Asked], now: Mapping[str, int]) -> list[Part]:
    """All in one part, where it is certain that they are few; else none."""
    rows = sum(now[str(each.conversation_id)] - each.since for each in asked)
    if not asked or len(asked) > PART_CONVERSATIONS or rows > PART_ROWS:
        return []
    return [] if any(each.reset for each in asked) else [Part(user.id, asked)]


def _parts(user: User, known: Mapping[str, int], outlines: Iterable[Outline]) -> Iterator[Part]:
    part: list[Asked] = []
    rows = 0
    for each in outlines:
        conversation_id = str(each.conversation_id)
        asked = _asked(conversation_id, known.get(conversation_id), each.version)
        more = each.version - asked.since
        if asked.reset:
            more = min(limits.PAGE, each.last_seq) + each.member_count
        if part and (len(part) >= PART_CONVERSATIONS or rows + more > PART_ROWS):
            yield Part(user.id, part)
            part, rows = [], 0
        part.append(asked)
        rows += more
    if part:
        yield Part(user.id, part)


def _asked(conversation_id: str, known: int | None, version: int) -> Asked:
    """A reset where the version is unknown, too old, or ahead of us (a restored backup)."""
    if known is None or not 0 <= version - known <= limits.SYNC_MAX:
        return Asked(UUID(conversation_id), since=0, reset=True)
    return Asked(UUID(conversation_id), since=known, reset=False)


def _frames(found: Changes) -> Iterator[protocol.SyncFrame]:
    """One conversation's rows in frames of bounded size; only the last one moves `to`."""
    conversation = found.conversation
    rows: list[Membership | ListedMessage] = [*found.members, *found.messages]
    rows.sort(key=attrgetter("version"))
    data = presenters.conversation(conversation, conversation)
    size, since = limits.SYNC_FRAME_ROWS, found.since or 0
    for start in range(0, max(1, len(rows)), size):
        some, last = rows[start : start + size], start + size >= len(rows)
        yield protocol.SyncFrame(
            conversation=conversation.id,
            from_=since,
            to=conversation.version if last else since,
            reset=found.since is None and start == 0,
            more=not last,
            data=data,
            members=[presenters.member(row) for row in some if isinstance(row, Membership)],
            messages=[presenters.message(row) for row in some if isinstance(row, ListedMessage)],
            receipts=[presenters.receipt(row) for row in found.positions] if last else [],
        )
