"""Access and refresh tokens: signed texts that name a person and one of their sessions.

A refresh token holds nothing that the session's row doesn't: it can be encoded again from the row,
byte for byte, and is therefore never stored.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.tokens import Token

from accounts.errors import InvalidToken, TokenExpired
from accounts.models import Session

#: Ours are about 450 characters; nobody gets to make us parse a long one.
TOKEN_MAX: Final = 2048


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that was verified says."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    jti: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """What a client gets at sign-in and at each refresh."""

    access: str
    refresh: str
    access_expires_at: datetime


@cache
def _backend() -> TokenBackend:
    options: dict[str, Any] = settings.SIMPLE_JWT
    # The algorithm is not a setting: a token that names another one is refused unread.
    return TokenBackend(
        "HS256",
        options["SIGNING_KEY"],
        audience=options["AUDIENCE"],
        issuer=options["ISSUER"],
        leeway=options["LEEWAY"],
    )


class _SessionToken(Token):
    """A token of a session; without ``sub``, ``sid``, ``iat``, ``exp`` and ``jti`` it is none."""

    def get_token_backend(self) -> TokenBackend:
        return _backend()

    def check_exp(self, claim: str = "exp", current_time: datetime | None = None) -> None:
        """Without the leeway, which is for clocks that disagree on when a token begins."""
        super().check_exp(claim, current_time)
        if self[claim] <= (current_time or self.current_time).timestamp():
            raise ExpiredTokenError

    @property
    def claims(self) -> Claims:
        """The claims in their own types; raises ``TokenError`` when one is missing or odd."""
        try:
            return Claims(
                user_id=uuid.UUID(self["sub"]),
                session_id=uuid.UUID(self["sid"]),
                jti=str(self["jti"]),
                issued_at=datetime.fromtimestamp(self["iat"], UTC),
                expires_at=datetime.fromtimestamp(self["exp"], UTC),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise TokenError("A claim is missing or malformed.") from error

    @classmethod
    def encode(cls, session: Session, *, jti: str, iat: datetime, exp: datetime) -> str:
        token = cls()
        token.payload = {
            "token_type": cls.token_type,
            "sub": str(session.user_id),
            "sid": str(session.pk),
            "jti": jti,
            "iat": int(iat.timestamp()),
            "exp": int(exp.timestamp()),
        }
        return str(token)


class AccessToken(_SessionToken):
    """Opens REST and the socket, for minutes."""

    token_type = "access"  # noqa: S105
    lifetime = settings.ACCESS_TOKEN_LIFETIME


class RefreshToken(_SessionToken):
    """Is exchanged, once, for a new pair; good until the session's own end."""

    token_type = "refresh"  # noqa: S105
    lifetime = settings.REFRESH_TOKEN_LIFETIME


def new_jti() -> str:
    """An id for a token that nobody can guess."""
    return uuid.uuid4().hex


def issue(session: Session) -> Pair:
    """A fresh access token, and *the* refresh token that the session's row stands for.

    Called twice for the same row it gives the same refresh token twice.
    """
    now = timezone.now()
    # Whole seconds, as in the token itself: what we announce is when it ends.
    expires_at = min(now + AccessToken.lifetime, session.expires_at).replace(microsecond=0)
    return Pair(
        access=AccessToken.encode(session, jti=new_jti(), iat=now, exp=expires_at),
        refresh=RefreshToken.encode(
            session,
            jti=session.refresh_jti,
            iat=session.rotated_at or session.created_at,
            exp=session.expires_at,
        ),
        access_expires_at=expires_at,
    )


def verify_access(raw: str) -> Claims:
    """The claims of an access token; raises ``TokenExpired`` or ``InvalidToken``."""
    return _verify(AccessToken, raw)


def verify_refresh(raw: str) -> Claims:
    """The claims of a refresh token; raises ``TokenExpired`` or ``InvalidToken``.

    It may be one that was used already: only the session's row knows that.
    """
    return _verify(RefreshToken, raw)


def _verify(kind: Callable[[Any], _SessionToken], raw: str) -> Claims:
    if not raw.isascii() or not 0 < len(raw) <= TOKEN_MAX:
        raise InvalidToken
    try:
        return kind(raw).claims
    except ExpiredTokenError:
        raise TokenExpired from None
    except (TokenError, RecursionError, ValueError, OverflowError):
        # The latter: parts that are nested deep, or hold numbers too long to read or to be a time.
        raise InvalidToken from None


def remaining(session: Session) -> timedelta:
    """How long the session's refresh token is good for, zero when it is over."""
    return max(session.expires_at - timezone.now(), timedelta())
