"""Reads of people and sessions."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import (
    Case,
    DateTimeField,
    IntegerField,
    Q,
    QuerySet,
    UUIDField,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import RecoveryCode, Session, User
from pneumatic.lib.database.written import Given, Written, columns_of, model_of

SEARCH_MAX: Final = 50
# Parameters in one statement; databases limit them.
_IDS_AT_ONCE: Final = 1_000


def active_sessions() -> QuerySet[Session]:
    """Those that are not over, revoked, or of a user who is suspended.

    Nor of one who lacks a second factor that is required.
    """
    return _active(timezone.now(), settings.REQUIRE_SECOND_FACTOR)


def _active(now: datetime | Given, second_factor: str) -> QuerySet[Session]:
    return Session.objects.filter(
        _not_kept_out(second_factor),
        revoked_at__isnull=True,
        expires_at__gt=now,
        user__is_active=True,
    )


def active_session(session_id: uuid.UUID) -> Session | None:
    """The session with its ``user`` loaded, in one query; None where it is not active."""
    query = _active_session(settings.REQUIRE_SECOND_FACTOR)
    found = query.rows({"id": session_id, "now": timezone.now()})
    if not found:
        return None
    own = len(columns_of(Session))
    session = model_of(Session, found[0][:own])
    session.user = model_of(User, found[0][own:])
    return session


# Every request of REST asks.
@cache
def _active_session(second_factor: str) -> Written:
    rows = _active(Given("now", DateTimeField()), second_factor)
    found = rows.filter(pk=Given("id", UUIDField()))
    return Written(found.values_list(*columns_of(Session), *columns_of(User, "user")))


def active_sessions_among(session_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Session]:
    """As ``active_session``, for at most a thousand of them in one query."""
    asked = set(session_ids)
    if len(asked) == 1:
        # Most say hello by themselves: to put the query for many into SQL takes longer than the
        # answer.
        found = active_session(*asked)
        return {} if found is None else {found.pk: found}
    return active_sessions().select_related("user").in_bulk(asked)


def why_ended(session_id: uuid.UUID) -> str:
    """The ``RevokedReason`` of a session; "" for one that goes on, is over, or never was."""
    reason = Session.objects.filter(pk=session_id).values_list("revoked_reason", flat=True).first()
    return reason or ""


def ended_sessions_of(user: User) -> QuerySet[Session]:
    """The devices of ``user`` that were signed out, as long as their rows are kept."""
    return Session.objects.filter(user=user, revoked_at__isnull=False).order_by("-id")


def _not_kept_out(second_factor: str) -> Q:
    """Of sessions: those whose user has the second factor that is asked of them."""
    match second_factor:
        case "everyone":
            return Q(user__second_factor_at__isnull=False)
        case "staff":
            ordinary = Q(user__is_staff=False, user__is_superuser=False)
            return Q(user__second_factor_at__isnull=False) | ordinary
    return Q()


def sessions_of(user: User) -> QuerySet[Session]:
    """The devices on which ``user`` is signed in now, the one used last first."""
    return Session.objects.filter(
        user=user, revoked_at__isnull=True, expires_at__gt=timezone.now()
    ).order_by("-last_used_at", "-id")


def ended_among(session_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these sessions that are not active, asked for in portions of a bounded size."""
    asked, found = list(session_ids), set[uuid.UUID]()
    for start in range(0, len(asked), _IDS_AT_ONCE):
        some = asked[start : start + _IDS_AT_ONCE]
        active = active_sessions().filter(id__in=_among(some))
        # Nearly always all of them: a number is read faster than a thousand ids.
        if active.count() < len(some):
            found |= set(some) - set(active.values_list("id", flat=True))
    return found


def _among(ids: Sequence[uuid.UUID]) -> Any:
    """What a field's `in` is asked with: on PostgreSQL as one parameter, however many they are."""
    if connection.vendor != "postgresql":
        return ids
    return RawSQL("SELECT UNNEST(%s::uuid[])", ["{" + ",".join(map(str, ids)) + "}"])


def user_by_login(login: str) -> User | None:
    """The user with this username or e-mail address, whatever the case; suspended ones too."""
    if "\0" in login:
        return None
    # No username can hold an @, so a text is looked up as the one or the other, never both.
    field = "email" if "@" in login else "username"
    return User.objects.alias(key=Lower(field)).filter(key=login.strip().lower()).first()


def taken_fields(*, username: str, email: str) -> set[str]:
    """Which of ``{"username", "email"}`` someone else has already."""
    name, address = username.lower(), email.lower()
    rows = (
        User.objects.alias(name_key=Lower("username"), address_key=Lower("email"))
        .filter(Q(name_key=name) | Q(address_key=address))
        .values_list("username", "email")
    )
    taken = set()
    for their_name, their_address in rows:
        if their_name.lower() == name:
            taken.add("username")
        if their_address.lower() == address:
            taken.add("email")
    return taken


def search_people(query: str, *, asking: User, limit: int = 20) -> list[User]:
    """Active people but ``asking`` whose username or display name begins with ``query``.

    A leading @ is ignored; nothing is found for an empty text. E-mail addresses are not searched:
    nobody can learn here who owns one. The exact username comes first, then by username.
    """
    text = query.strip().lstrip("@").strip()
    if not text or len(text) > 64 or "\0" in text:
        return []
    key = text.lower()
    # Both sides by the database's own LOWER: SQLite's knows ASCII only, and “Élodie” is found all
    # the same. On PostgreSQL each side of the OR has an index.
    beginning = Lower(Value(text))
    return list(
        User.objects.alias(name_key=Lower("username"), display_key=Lower("display_name"))
        .filter(
            Q(name_key__startswith=beginning) | Q(display_key__startswith=beginning),
            is_active=True,
        )
        .exclude(pk=asking.pk)
        .order_by(
            Case(When(name_key=key, then=Value(0)), default=Value(1), output_field=IntegerField()),
            "name_key",
        )[: max(1, min(limit, SEARCH_MAX))]
    )


def unused_recovery_codes(user: User) -> int:
    """How many recovery codes ``user`` has left."""
    return RecoveryCode.objects.filter(user=user, used_at__isnull=True).count()
