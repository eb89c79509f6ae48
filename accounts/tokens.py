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
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.tokens import Token

from accounts.errors import InvalidToken, TokenExpired
from accounts.keyring import KeyRing
from accounts.models import Session

#: Ours are about 450 characters; nobody gets to make us parse a long one.
TOKEN_MAX: Final = 2048


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that was verified says."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    jti: str
    #: The ``jti`` of the refresh token that was given out together with this one.
    pair: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """What a client gets at sign-in and at each refresh."""

    access: str
    refresh: str
    access_expires_at: datetime


def _backend() -> KeyRing:
    return _ring(tuple(settings.JWT_SIGNING_KEYS))


@cache
def _ring(keys: tuple[str, ...]) -> KeyRing:
    options: dict[str, Any] = settings.SIMPLE_JWT
    return KeyRing(
        keys, audience=options["AUDIENCE"], issuer=options["ISSUER"], leeway=options["LEEWAY"]
    )


class _SessionToken(Token):
    """A token of a session; without ``sub``, ``sid``, ``iat``, ``exp``, ``jti``, ``pid`` it is not.

    The last names the pair: it is the same in an access token and the refresh token beside it.
    """

    def get_token_backend(self) -> KeyRing:
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
                user_id=uuid.UUID(_text(self["sub"])),
                session_id=uuid.UUID(_text(self["sid"])),
                jti=_text(self["jti"]),
                pair=_text(self["pid"]),
                issued_at=_moment(self["iat"]),
                expires_at=_moment(self["exp"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            raise TokenError("A claim is missing or malformed.") from error

    @classmethod
    def encode(cls, session: Session, *, jti: str, iat: datetime, exp: datetime) -> str:
        token = cls()
        token.payload = {
            "token_type": cls.token_type,
            "sub": str(session.user_id),
            "sid": str(session.pk),
            "jti": jti,
            "pid": session.refresh_jti,
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


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("An id is a text.")
    return value


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("A time is a number.")
    return datetime.fromtimestamp(value, UTC)


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
    except (TokenError, RecursionError, TypeError, ValueError, OverflowError, OSError):
        # The latter: parts that are nested deep, hold numbers too long to read or to be a time, or
        # texts and lists where the libraries count on numbers.
        raise InvalidToken from None


def remaining(session: Session) -> timedelta:
    """How long the session's refresh token is good for, zero when it is over."""
    return max(session.expires_at - timezone.now(), timedelta())
