"""Signing in, staying signed in, signing out."""

import uuid
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import devices, tokens
from accounts.actions.audit import record
from accounts.actions.failures import Origin
from accounts.actions.identity import proven
from accounts.errors import NoSuchSession
from accounts.models import AuditKind, RevokedReason, Session, User
from pneumatic.lib import realtime

#: How stale `last_used_at` may be; a write for each request would cost more than it tells.
TOUCH_EVERY: Final = timedelta(minutes=1)
#: How long the rows of ended sessions are kept, for whoever asks what happened.
FORGET_AFTER: Final = timedelta(days=90)


def sign_in(
    *,
    username: str,
    password: str,
    code: str = "",
    device: str = "",
    user_agent: str = "",
    address: str | None = None,
    device_cookie: str = "",
) -> Session:
    """A new session for whoever has this username (or e-mail address), password and code.

    Raises ``WrongCredentials`` for unknown, wrong and suspended alike, after the same work;
    ``SecondFactorRequired`` where a code is wanted, or was wrong; ``SecondFactorSetupRequired``;
    and ``TooManyFailures``.
    """
    origin = Origin(address=address, device_cookie=device_cookie)
    with proven(login=username, password=password, code=code, origin=origin) as user:
        return open_session(user=user, device=device, user_agent=user_agent, address=address)


def open_session(
    *,
    user: User,
    device: str = "",
    user_agent: str = "",
    address: str | None = None,
    lifetime: timedelta | None = None,
    kind: AuditKind = AuditKind.SIGNED_IN,
) -> Session:
    """A new session of ``user``, who has just proved to be that person.

    Without ``device`` its name is guessed from the user agent; without ``lifetime`` it lasts
    REFRESH_TOKEN_DAYS. Rows of sessions that ended long ago are dropped on the way.
    """
    now = timezone.now()
    agent = devices.clean_user_agent(user_agent)
    with transaction.atomic():
        Session.objects.filter(user=user, expires_at__lt=now - FORGET_AFTER).delete()
        session = Session.objects.create(
            user=user,
            device=device.strip()[: devices.DEVICE_MAX] or devices.guess_device(agent),
            user_agent=agent,
            address=devices.clean_address(address),
            created_at=now,
            last_used_at=now,
            expires_at=now + (lifetime or settings.REFRESH_TOKEN_LIFETIME),
            refresh_jti=tokens.new_jti(),
        )
        record_session(kind, session, address=address)
    return session


def open_django_session(
    *,
    user: User,
    page: str,
    user_agent: str = "",
    address: str | None = None,
    kind: AuditKind = AuditKind.ADMIN_SIGNED_IN,
) -> Session:
    """A row for a session of Django's own: listed and ended like the others, without tokens.

    ``page`` is what it was begun at, for people; ``kind`` what is audited.
    """
    browser = devices.guess_device(devices.clean_user_agent(user_agent))
    return open_session(
        user=user,
        device=f"{browser}, {page}",
        user_agent=user_agent,
        address=address,
        lifetime=timedelta(seconds=settings.SESSION_COOKIE_AGE),
        kind=kind,
    )


def touch_session(*, session: Session) -> None:
    """Remember that the device was seen now, at most once a minute."""
    now = timezone.now()
    if now - session.last_used_at < TOUCH_EVERY:
        return
    Session.objects.filter(pk=session.pk, last_used_at__lt=now - TOUCH_EVERY).update(
        last_used_at=now
    )
    session.last_used_at = now


def sign_out(*, session: Session, address: str | None = None) -> None:
    """End the session from its own device; ending it twice is no error."""
    with transaction.atomic():
        if end_sessions(Session.objects.filter(pk=session.pk), reason=RevokedReason.SIGNED_OUT):
            record_session(AuditKind.SIGNED_OUT, session, address=address)


def sign_out_everywhere(
    *,
    user: User,
    except_session: Session | None = None,
    actor: User | None = None,
    address: str | None = None,
) -> int:
    """End all of the user's sessions but ``except_session``; returns how many.

    Django's own sessions end as well, and are not counted. ``actor`` is who did it, where it was
    not the user.
    """
    sessions = Session.objects.filter(user=user)
    if except_session is not None:
        sessions = sessions.exclude(pk=except_session.pk)
    with transaction.atomic():
        user.renew_session_stamp()
        ended = end_sessions(sessions, reason=RevokedReason.SIGNED_OUT_ELSEWHERE)
        record(
            kind=AuditKind.SIGNED_OUT_EVERYWHERE,
            user=user,
            actor=actor,
            address=address,
            detail={"devices": str(ended)},
        )
    return ended


def revoke_session(*, user: User, session_id: uuid.UUID, address: str | None = None) -> None:
    """End one of the user's own sessions; raises ``NoSuchSession`` when it is not one of them."""
    with transaction.atomic():
        mine = Session.objects.filter(user=user, pk=session_id)
        if not end_sessions(mine, reason=RevokedReason.SIGNED_OUT_ELSEWHERE):
            raise NoSuchSession
        record_session(AuditKind.SESSION_REVOKED, mine.get(), address=address)


def revoke_sessions(*, sessions: QuerySet[Session], actor: User, address: str | None = None) -> int:
    """End these sessions on the word of ``actor``, who is staff; returns how many."""
    with transaction.atomic():
        ending = list(sessions.filter(revoked_at__isnull=True).select_related("user"))
        among = Session.objects.filter(pk__in=[each.pk for each in ending])
        ended = end_sessions(among, reason=RevokedReason.SIGNED_OUT_ELSEWHERE)
        for session in ending:
            record_session(AuditKind.SESSION_REVOKED, session, actor=actor, address=address)
    return ended


def record_session(
    kind: AuditKind, session: Session, *, address: str | None, actor: User | None = None
) -> None:
    """Audit what happened to a session, with its id and its device's name."""
    record(
        kind=kind,
        user=session.user,
        actor=actor,
        address=address,
        detail={"session": str(session.pk), "device": session.device},
    )


def end_sessions(sessions: QuerySet[Session], *, reason: RevokedReason) -> int:
    """End those of ``sessions`` that haven't ended, and close their sockets; returns how many."""
    with transaction.atomic():
        # By id, so that two that end the same rows wait for each other instead of deadlocking.
        ended = list(
            sessions.filter(revoked_at__isnull=True)
            .order_by("pk")
            .select_for_update()
            .values_list("pk", flat=True)
        )
        Session.objects.filter(pk__in=ended).update(
            revoked_at=timezone.now(), revoked_reason=reason
        )
        for session_id in map(str, ended):
            realtime.publish_on_commit("sessions", {"kind": "revoked", "session": session_id})
    return len(ended)
