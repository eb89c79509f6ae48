"""The one tree of errors that people and programs get to see.

Each has a ``code`` (the same word in REST's problem bodies and in the socket's ``error`` frames),
an HTTP ``status`` and says whether trying the same again can succeed (``retryable``). Whatever
raises one of these says in ``detail`` what is wrong and how to mend it, in a sentence that is safe
to show; ``fields`` names the input fields at fault.
"""

from collections.abc import Mapping, Sequence


class ProblemError(Exception):
    """Base of all expected failures; never raised itself."""

    code: str
    status: int
    title: str
    retryable = False

    def __init__(
        self,
        detail: str = "",
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.fields = {name: list(messages) for name, messages in (fields or {}).items()}
        #: Seconds after which trying again makes sense, where that is known.
        self.retry_after = retry_after


class Invalid(ProblemError):
    code, status, title = "invalid", 400, "The request is not valid."


class Unauthenticated(ProblemError):
    code, status, title = "unauthenticated", 401, "Sign in first."


class Forbidden(ProblemError):
    code, status, title = "forbidden", 403, "You may not do that."


class NotFound(ProblemError):
    """Also for what exists but may not be seen: the two must not be told apart."""

    code, status, title = "not_found", 404, "There is no such thing, or you may not see it."


class Conflict(ProblemError):
    code, status, title = "conflict", 409, "That conflicts with what is already there."


class TooLarge(ProblemError):
    code, status, title = "too_large", 413, "That is too large."


class RateLimited(ProblemError):
    code, status, title = "rate_limited", 429, "Too many requests; wait a moment."
    retryable = True


class Unavailable(ProblemError):
    """Nothing is known to be committed; the same request, with the same id, is safe to repeat."""

    code, status, title = "unavailable", 503, "The service can't do that at the moment."
    retryable = True


ALL: tuple[type[ProblemError], ...] = (
    Invalid,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    TooLarge,
    RateLimited,
    Unavailable,
)
