"""What a password may be: 12 to 256 characters of any kind, and none that others try first."""

import hashlib
import re
import unicodedata
from pathlib import Path
from typing import Any, BinaryIO, Final

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError

from pneumatic.lib.errors import Unavailable

log = structlog.get_logger(__name__)

#: Characters. Longer ones are refused before anything is hashed.
PASSWORD_MAX: Final = 256
#: What must be left of a password when the words that everyone here knows are taken out of it.
_OWN_CHARACTERS: Final = 4
_SHORTEST_WORD: Final = 4
#: A line of the file: 40 hex digits, a colon, a count; longer ones are none.
_LINE_MAX: Final = 64
_SHA1: Final = 40


class WritableValidator:
    """Refuses what no form of ours would take at sign-in: whoever had it would be kept out."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > PASSWORD_MAX:
            raise ValidationError(self.get_help_text(), code="password_too_long")
        if any(unicodedata.category(character) == "Cc" for character in password):
            raise ValidationError("Leave out control characters.", code="password_characters")

    def get_help_text(self) -> str:
        return f"Use at most {PASSWORD_MAX} characters."


class ContextValidator:
    """Refuses what is little more than names that everyone here knows: ours, the user's own."""

    def validate(self, password: str, user: Any = None) -> None:
        rest = password.casefold()
        for word in sorted(_known_words(user), key=len, reverse=True):
            rest = rest.replace(word, " ")
        # A year or “123!” at the end makes no difference.
        own = re.sub(r"[\W_]|(19|20)\d\d|123+", "", rest)
        if rest != password.casefold() and len(own) < _OWN_CHARACTERS:
            raise ValidationError(self.get_help_text(), code="password_of_known_words")

    def get_help_text(self) -> str:
        return "Use more than the names of this service, of this place and your own."


def _known_words(user: Any) -> set[str]:
    texts = ["pneumatic", "chat", *settings.PASSWORD_CONTEXT_WORDS]
    texts += [*settings.ALLOWED_HOSTS, settings.PUBLIC_URL]
    for field in ("username", "email", "display_name"):
        # Of an address only what stands before the @.
        texts.append(str(getattr(user, field, "") or "").partition("@")[0])
    words = {word for text in texts for word in re.split(r"[\W_]+", text.casefold())}
    return {word for word in words if len(word) >= _SHORTEST_WORD}


class BreachedValidator:
    """Refuses passwords whose SHA-1 is in BREACHED_PASSWORDS_FILE; without one it does nothing.

    The file is what “Have I Been Pwned” offers: lines of ``HASH:COUNT``, sorted by hash. It is
    searched where it is, with some 36 reads for a billion lines, and no password leaves the
    machine. Raises ``Unavailable`` where the file can't be read: nothing gets in unchecked.
    """

    def validate(self, password: str, user: Any = None) -> None:
        if not settings.BREACHED_PASSWORDS_FILE:
            return
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        try:
            with Path(settings.BREACHED_PASSWORDS_FILE).open("rb") as file:
                found = holds(file, digest.encode())
        except OSError as error:
            log.error("breached_passwords_unreadable", error=type(error).__name__)
            raise Unavailable("Passwords can't be checked at the moment.") from error
        if found:
            raise ValidationError(self.get_help_text(), code="password_breached")

    def get_help_text(self) -> str:
        return "This password was in a data breach, so others try it first; choose another one."


def holds(file: BinaryIO, digest: bytes) -> bool:
    """Whether a line of the sorted file begins with ``digest``, 40 hex digits in capitals.

    By bisection over bytes: the first line that begins after the middle decides.
    """
    low, high = 0, file.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        # The line that holds the byte before decides whether one begins here.
        file.seek(max(0, middle - 1))
        if middle:
            file.readline(_LINE_MAX)
        line = file.readline(_LINE_MAX)
        head = line[:_SHA1].upper()
        if head == digest:
            return True
        if line and head < digest:
            low = file.tell()
        else:
            high = middle
    return False
