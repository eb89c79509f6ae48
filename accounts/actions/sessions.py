"""Signing in, staying signed in, signing out."""

import uuid
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import devices, tokens
from accounts.actions.identity import Origin, proven
from accounts.errors import NoSuchSession, SessionRevoked
from accounts.models import RevokedReason, Session, User
from pneumatic.lib import realtime

log = structlog.get_logger(__name__)

#: How long the refresh token that was just used gives its successor once more: two tabs that wake
#: together, or an answer that got lost, must not look like theft.
REUSE_GRACE: Final = timedelta(seconds=10)
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
    *, user: User, device: str = "", user_agent: str = "", address: str | None = None
) -> Session:
    """A new session of ``user``, who has just proved to be that person.

    Without ``device`` its name is guessed from the user agent. Rows of sessions that ended long
    ago are dropped on the way.
    """
    now = timezone.now()
    agent = devices.clean_user_agent(user_agent)
    with transaction.atomic():
        Session.objects.filter(user=user, expires_at__lt=now - FORGET_AFTER).delete()
        return Session.objects.create(
            user=user,
            device=device.strip()[: devices.DEVICE_MAX] or devices.guess_device(agent),
            user_agent=agent,
            address=devices.clean_address(address),
            created_at=now,
            last_used_at=now,
            expires_at=now + settings.REFRESH_TOKEN_LIFETIME,
            refresh_jti=tokens.new_jti(),
        )


def refresh_session(*, refresh: str, address: str | None = None) -> Session:
    """The session of this refresh token, with the next token in its row.

    The token before the newest gives the same successor again for ``REUSE_GRACE``. Any older one
    was copied by someone: the session ends for the thief and the owner. Raises ``InvalidToken``,
    ``TokenExpired`` or ``SessionRevoked``.
    """
    claims = tokens.verify_refresh(refresh)
    # Durable: the end of a session must stay when the error below is raised.
    with transaction.atomic(durable=True):
        session = (
            Session.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(pk=claims.session_id, user_id=claims.user_id, revoked_at__isnull=True)
            .first()
        )
        if session is not None and _take_next_token(session, claims.jti):
            session.address = devices.clean_address(address) or session.address
            session.last_used_at = timezone.now()
            session.save(
                update_fields=[
                    "refresh_jti", "previous_jti", "rotated_at", "address", "last_used_at",
                ]
            )  # fmt: skip
            return session
    raise SessionRevoked


def _take_next_token(session: Session, jti: str) -> bool:
    """Move the locked session to its next token; false when it is over, or was just ended."""
    now = timezone.now()
    user = session.user
    if not user.is_active or user.lacks_second_factor or session.expires_at <= now:
        return False
    if jti == session.refresh_jti:
        session.previous_jti, session.refresh_jti = jti, tokens.new_jti()
        session.rotated_at = now
        return True
    rotated_at = session.rotated_at
    if jti == session.previous_jti and rotated_at and now - rotated_at <= REUSE_GRACE:
        return True
    log.warning("refresh_token_reused", session=str(session.pk), account=str(session.user_id))
    end_sessions(Session.objects.filter(pk=session.pk), reason=RevokedReason.TOKEN_REUSED)
    return False


def touch_session(*, session: Session) -> None:
    """Remember that the device was seen now, at most once a minute."""
    now = timezone.now()
    if now - session.last_used_at < TOUCH_EVERY:
        return
    Session.objects.filter(pk=session.pk, last_used_at__lt=now - TOUCH_EVERY).update(
        last_used_at=now
    )
    session.last_used_at = now


def sign_out(*, session: Session) -> None:
    """End the session from its own device; ending it twice is no error."""
    end_sessions(Session.objects.filter(pk=session.pk), reason=RevokedReason.SIGNED_OUT)


def sign_out_everywhere(*, user: User, except_session: Session | None = None) -> int:
    """End all of the user's sessions but ``except_session``; returns how many."""
    sessions = Session.objects.filter(user=user)
    if except_session is not None:
        sessions = sessions.exclude(pk=except_session.pk)
    return end_sessions(sessions, reason=RevokedReason.SIGNED_OUT_ELSEWHERE)


def revoke_session(*, user: User, session_id: uuid.UUID) -> None:
    """End one of the user's own sessions; raises ``NoSuchSession`` when it is not one of them."""
    mine = Session.objects.filter(user=user, pk=session_id)
    if not end_sessions(mine, reason=RevokedReason.SIGNED_OUT_ELSEWHERE):
        raise NoSuchSession


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
            realtime.publish_on_commit(
                f"session.{session_id}", {"kind": "revoked", "session": session_id}
            )
    return len(ended)
