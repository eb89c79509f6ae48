"""What devices ask for when they come and while they stay, and the hub for all of them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from django.db.models import (
    Aggregate,
    BigIntegerField,
    Expression,
    F,
    FilteredRelation,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.functions import Coalesce, Now

from accounts.models import User
from accounts.queries import active_sessions
from chat import limits
from chat.models import Conversation, History, Membership, Unheard

# Parameters in one statement; databases limit them.
_IDS_AT_ONCE = 1_000

_read_versions: Final = msgspec.json.Decoder(dict[UUID, int]).decode


class _ByKey(Aggregate):
    """Pairs of key and value as the text of one JSON object."""

    arity = 2
    function = "JSON_GROUP_OBJECT"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **given: Any) -> Any:
        template = "%(function)s(%(expressions)s)::text"
        return self.as_sql(
            compiler, connection, function="JSON_OBJECT_AGG", template=template, **given
        )


class Standing(NamedTuple):
    """What a person may read now, and up to which version it goes; in which history."""

    epoch: UUID
    versions: dict[UUID, int]


class Position(NamedTuple):
    """How far a member has got in a conversation."""

    conversation_id: UUID
    user_id: UUID
    read_seq: int
    delivered_seq: int


def epoch() -> UUID:
    """The name of this history, given at first need; a restored backup has another."""
    return History.objects.get_or_create(id=1)[0].epoch


def entrance(user: User, session_id: UUID) -> tuple[UUID, dict[UUID, int] | None]:
    """The epoch, and the conversations that the person is in; None where the session has ended.

    With each the version at which somebody's membership last ended there. All of it in one query,
    which a device waits for that says hello.
    """
    seat = FilteredRelation(
        "user__memberships", condition=Q(user__memberships__left_at__isnull=True)
    )
    theirs = (
        active_sessions()
        .filter(id=session_id, user=user)
        .order_by()
        .alias(seat=seat)
        .annotate(conversation=F("seat__conversation"), is_epoch=Value(value=False))
        .values_list("conversation", "is_epoch", "seat__conversation__ended_version")
    )
    nothing = Value(0, BigIntegerField())
    rows = list(theirs.union(_epochs(Value(value=True), nothing), all=True))
    found = [(conversation, ended) for conversation, is_epoch, ended in rows if not is_epoch]
    # Who is in no conversation has one row without any.
    mine = {each: ended for each, ended in found if each is not None} if found else None
    return _epoch_in(epoch for epoch, is_epoch, _ in rows if is_epoch), mine


def circle_of(user_id: UUID) -> dict[UUID, int]:
    """The conversations in which the person's coming and going is told, as in `entrance`."""
    theirs = Membership.objects.filter(user=user_id, left_at=None).order_by()
    found = theirs.values_list("conversation_id", "conversation__ended_version")
    return dict(found[: limits.PRESENCE_CONVERSATIONS])


def standings_of(user_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """What each of these people may read, in one query for all of them.

    A row a person and not one a conversation: every heartbeat asks, and to read that many rows
    would cost more than all the rest of its answer.
    """
    theirs = (
        Membership.objects.filter(user__in=list(user_ids), left_at=None)
        .order_by()
        .values("user_id")
        .annotate(versions=_ByKey("conversation_id", "conversation__version"))
        .values_list("user_id", "versions")
    )
    nothing = Value(None, TextField())
    rows: list[tuple[UUID, str | None]] = list(theirs.union(_epochs(nothing), all=True))
    epoch = _epoch_in(found for found, versions in rows if versions is None)
    standings = {each: Standing(epoch, {}) for each in user_ids}
    for user_id, versions in rows:
        if versions is not None:
            standings[user_id] = Standing(epoch, _read_versions(versions))
    return standings


def small_conversations_of(user: User) -> QuerySet[Membership, UUID]:
    """Those of the person's conversations in which members' positions are told, newest first."""
    newest = Coalesce("conversation__last_message_at", "conversation__created_at")
    return (
        Membership.objects.filter(
            user=user,
            left_at=None,
            conversation__member_count__lte=limits.SMALL_CONVERSATION,
        )
        .order_by(newest.desc())
        .values_list("conversation_id", flat=True)
    )


def positions_in(
    conversations: Sequence[UUID] | QuerySet[Membership, UUID],
) -> Iterable[Position]:
    """How far the members of these conversations have got."""
    rows = Membership.objects.filter(conversation__in=conversations, left_at=None)
    # In one order, whichever way the database's statistics let it go just now.
    return map(Position._make, rows.order_by("user_id").values_list(*Position._fields))


def versions_of(conversation_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The versions of these conversations as they are now; for the hub, not for a person."""
    found: dict[UUID, int] = {}
    for start in range(0, len(conversation_ids), _IDS_AT_ONCE):
        some = conversation_ids[start : start + _IDS_AT_ONCE]
        found.update(Conversation.objects.filter(id__in=some).values_list("id", "version"))
    return found


def is_another_unheard(process: UUID) -> bool:
    """Whether a process other than this one can't tell the others what it announces."""
    return Unheard.objects.filter(until__gt=Now()).exclude(process=process).exists()


def _epochs(*beside: Expression | F) -> QuerySet[History, tuple[Any, ...]]:
    """The row that names this history, as a part of another query."""
    named = {f"beside_{place}": each for place, each in enumerate(beside)}
    return History.objects.annotate(**named).values_list("epoch", *named)


def _epoch_in(rows: Iterator[UUID]) -> UUID:
    return next(rows, None) or epoch()
