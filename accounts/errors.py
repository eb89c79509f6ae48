"""What can be wrong with an account or a session; see `pneumatic.lib.errors`."""

from typing import Final, Self

from pneumatic.lib.errors import NotFound, Unauthenticated


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
