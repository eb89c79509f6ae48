"""Refresh tokens: each is good for one exchange, and a used one that comes back is a theft."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import devices, queries, tokens
from accounts.actions.sessions import end_sessions, record_session
from accounts.errors import SessionRevoked
from accounts.models import AuditKind, RevokedReason, Session
from accounts.tokens import Claims

log = structlog.get_logger(__name__)


def refresh_session(*, refresh: str, address: str | None = None) -> Session:
    """The session of this refresh token, with the next token in its row.

    The token before the newest gives the same successor again until the new pair is first used:
    two tabs that wake together, or an answer that got lost, however long ago, are no theft. Any
    older one was copied by someone: the session ends for the thief and the owner. Raises
    ``InvalidToken``, ``TokenExpired`` or ``SessionRevoked``.
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
        if session is not None and _take_next_token(session, claims.jti, address):
            session.address = devices.clean_address(address) or session.address
            session.last_used_at = timezone.now()
            session.save(
                update_fields=[
                    "refresh_jti", "previous_jti", "rotated_at", "address", "last_used_at",
                ]
            )  # fmt: skip
            return session
    raise SessionRevoked.because(queries.why_ended(claims.session_id))


def settle_pairs(*, used: Iterable[tuple[Session, Claims]]) -> None:
    """Take note that access tokens are in use: the refresh tokens before their pairs are dead now.

    A write for the first use of each pair only, and one for all of them.
    """
    first = [
        session
        for session, claims in used
        if session.previous_jti and claims.pair == session.refresh_jti
    ]
    if not first:
        return
    pairs = (Q(pk=session.pk, refresh_jti=session.refresh_jti) for session in first)
    Session.objects.filter(reduce(or_, pairs)).update(previous_jti="")
    for session in first:
        session.previous_jti = ""


def _take_next_token(session: Session, jti: str, address: str | None) -> bool:
    """Move the locked session to its next token; false when it is over, or was just ended."""
    now = timezone.now()
    user = session.user
    if not user.is_active or user.lacks_second_factor or session.expires_at <= now:
        return False
    if jti == session.refresh_jti:
        session.previous_jti, session.refresh_jti = jti, tokens.new_jti()
        session.rotated_at = now
        return True
    if jti == session.previous_jti:
        return True
    log.warning("refresh_token_reused", session=str(session.pk), account=str(session.user_id))
    end_sessions(Session.objects.filter(pk=session.pk), reason=RevokedReason.TOKEN_REUSED)
    record_session(AuditKind.TOKEN_REUSED, session, address=address)
    return False
