"""What can be wrong with an account or a session; see `pneumatic.lib.errors`."""

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


class NoSuchSession(NotFound):
    """Also for the session of someone else, and for one that has ended."""

    title = "There is no such session of yours."


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
