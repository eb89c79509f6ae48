"""Links that go out by e-mail: signed, short-lived, and dead once what they change has changed.

What is secret stands after the ``#``: browsers send that part to nobody, so it is in no log and no
Referer. The base is a setting, never what a request says its host is.
"""

import uuid
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing

from accounts.models import PendingRegistration, User

#: Seconds.
VERIFY_WITHIN: Final = 24 * 60 * 60
_VERIFY: Final = "accounts.links.verify"
#: Ours have about 100 characters.
TOKEN_MAX: Final = 200


class _ResetTokens(PasswordResetTokenGenerator):
    """Bound to the password, the last sign-in, the address and the second factor.

    When any of them changes, or after PASSWORD_RESET_TIMEOUT, the token is dead.
    """

    key_salt = "accounts.links.reset"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.second_factor_at or ''}"


_reset_tokens = _ResetTokens()


def base_url() -> str:
    """Scheme, host and port of this installation, without a slash at the end."""
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL).rstrip("/")
    if settings.ALLOWED_ORIGINS:
        return str(settings.ALLOWED_ORIGINS[0])
    return f"http://localhost:{settings.PORT}"


def page(path: str, secret: str = "") -> str:
    """The address of one of our pages; ``secret`` stays in the browser."""
    return f"{base_url()}{path}{'#' if secret else ''}{secret}"


def reset_token(user: User) -> str:
    """Lets its bearer choose a new password of ``user``, once, within half an hour."""
    return f"{user.pk.hex}-{_reset_tokens.make_token(user)}"


def user_of_reset_token(token: str) -> User | None:
    """Whose password this token resets, or None: malformed, expired, used, or out of date."""
    name, _, rest = token.partition("-")
    try:
        user = User.objects.filter(pk=uuid.UUID(hex=name), is_active=True).first()
    except ValueError:
        return None
    return user if user is not None and _reset_tokens.check_token(user, rest) else None


def verify_token(pending: PendingRegistration) -> str:
    """Lets its bearer, who knows the password too, finish the registration, within a day."""
    return signing.dumps(pending.pk.hex, salt=_VERIFY)


def pending_of_verify_token(token: str) -> uuid.UUID | None:
    """The id of the registration that this token finishes, or None; it may be finished already."""
    try:
        return uuid.UUID(hex=signing.loads(token, salt=_VERIFY, max_age=VERIFY_WITHIN))
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        return None
