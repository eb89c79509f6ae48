"""What can be wrong with an account or a session; see `pneumatic.lib.errors`."""

from typing import Final, Self

from pneumatic.lib.errors import Forbidden, NotFound, RateLimited, Unauthenticated


class WrongCredentials(Unauthenticated):
    """Unknown, wrong and suspended all sound the same, so nobody learns which accounts exist."""

    title = "That username and password don't match."


class InvalidToken(Unauthenticated):
    """Malformed, forged, of the wrong kind, or for someone else's ears."""

    title = "The token is not valid; sign in again."


class TokenExpired(InvalidToken):
    """It was good once; a refresh token gets a new one."""

    title = "The token has expired; refresh it."


class SessionRevoked(Unauthenticated):
    """The device was signed out: refreshing is no use, only signing in again."""

    title = "This device was signed out; sign in again."

    _BECAUSE: Final = {
        "password_changed": "The password was changed, which signed this device out; sign in "
        "again.",
        "suspended": "The account is suspended.",
        "token_reused": "A refresh token of this device was used twice, so somebody may have "
        "copied it. The device was signed out; sign in again, and sign the others out, too.",
    }

    @classmethod
    def because(cls, reason: str) -> Self:
        """With the words for one of the session's ``RevokedReason``; "" where none is known."""
        return cls(cls._BECAUSE.get(reason, ""))


class NoSuchSession(NotFound):
    """Also for the session of someone else, and for one that has ended."""

    title = "There is no such session of yours."


class SecondFactorRequired(Unauthenticated):
    """The password was right; the same again, with ``code``. Also for a code that was wrong."""

    code = "second_factor_required"
    title = "Enter the code that your authenticator app shows."


class SecondFactorSetupRequired(Unauthenticated):
    """The password was right, and this account may not be used without a second factor."""

    code = "second_factor_setup_required"
    title = "This account needs a second factor; set it up first."


class TooManyFailures(RateLimited):
    """Too many wrong passwords or codes for this account, or from this address."""

    title = "Too many failed attempts; wait a moment. The account is not locked."


class RegistrationClosed(Forbidden):
    """REGISTRATION says that nobody registers here."""

    title = "Registration is closed here; ask the people who run this server for an account."


class InvitationRefused(Forbidden):
    """None, unknown, used, expired, or for another address: all sound the same."""

    title = "Registering needs an invitation that is still good; ask for one."


class SignOnFailed(Unauthenticated):
    """The provider of identities, or what it said, opens no door here.

    ``reason`` is a word that the sign-in page explains; ``cause`` is for the log, and holds
    no secret.
    """

    title = "Signing in with the provider didn't work; try again."

    def __init__(self, reason: str, cause: str = "") -> None:
        super().__init__()
        self.reason = reason
        self.cause = cause
