"""What people may be called: rules for usernames and display names, free of any framework state."""

import re
import unicodedata
from typing import Final

from django.core.exceptions import ValidationError

USERNAME_MAX: Final = 32
EMAIL_MAX: Final = 254
DISPLAY_NAME_MAX: Final = 64

_USERNAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{2,31}")
# Digits, dots, hyphens and underscores don't make another name of these.
_RESERVED_WORDS: Final = """
abuse account accounts admin administrator administrators admins all anonymous api auth bot channel
contact deleted everybody everyone guest help helpdesk here hostmaster info it mailer mailerdaemon
me mod moderation moderator moderators mods news nobody none noreply notifications null official
operator operators owner pneumatic pneumaticchat postmaster register root security server service
settings signin signup staff status su superuser support sysadmin system team undefined unknown user
webmaster www you
"""
_RESERVED: Final = frozenset(_RESERVED_WORDS.split())
# Controls, format characters (bidi overrides, zero-width), surrogates, private use, separators of
# lines and paragraphs: a name made with them looks like another one, or tears the page.
_REFUSED_CATEGORIES: Final = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Letters and marks by category, yet drawn as nothing.
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_EMOJI: Final = frozenset(map(chr, range(0x1F300, 0x1FB00)))
# Colour or text, and the five tones of skin: they stand between an emoji and a joiner.
_OF_EMOJI: Final = "\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_VIRAMA: Final = 9  # a combining class


def validate_username(value: str) -> None:
    """Raise ``ValidationError`` unless ``value`` is a well-formed username."""
    if not _USERNAME.fullmatch(value):
        raise ValidationError(
            "Use 3 to 32 letters, digits, dots, hyphens or underscores; begin with a letter or a "
            "digit.",
            code="username",
        )


def is_reserved(value: str) -> bool:
    """Whether a newcomer of this name could pass for the people who run the place."""
    return re.sub(r"[._\-0-9]", "", value).lower() in _RESERVED


def can_be_seen(value: str) -> bool:
    """Whether anything in ``value`` leaves ink on the page."""
    # Most texts begin like this: to say so takes a fifth of the time.
    return (value[:1].isascii() and value[:1].isalnum()) or any(
        character not in _INVISIBLE
        # The latter: emoji younger than Python's tables.
        and (unicodedata.category(character)[0] in "LNPS" or character in _EMOJI)
        for character in value
    )


def clean_display_name(value: str) -> str:
    """``value`` as one line in Unicode's NFKC form, so that look-alikes become alike.

    An empty text stays empty. Raises ``ValidationError``, see ``clean_line``.
    """
    return clean_line(unicodedata.normalize("NFKC", value), most=DISPLAY_NAME_MAX)


def clean_line(value: str, *, most: int) -> str:
    """``value`` as what names something: in Unicode's NFC form, trimmed, and showing all it holds.

    Raises ``ValidationError`` for invisible or direction-changing characters, for a text in which
    nothing can be seen, and for one of more than ``most`` characters. An empty one stays empty.
    """
    line = unicodedata.normalize("NFC", value).strip()
    if any(
        character in _INVISIBLE
        or (
            unicodedata.category(character) in _REFUSED_CATEGORIES
            and not _joins(line[:place], character, line[place + 1 :])
        )
        for place, character in enumerate(line)
    ):
        raise ValidationError("Leave out invisible and control characters.", code="characters")
    if line and not can_be_seen(line):
        raise ValidationError("Use at least one visible character.", code="characters")
    if len(line) > most:
        raise ValidationError(f"Use at most {most} characters.", code="max_length")
    return line


def _joins(before: str, character: str, after: str) -> bool:
    """Whether a zero-width (non-)joiner stands where it changes what one sees.

    That is after a virama, between letters of Arabic script, and, for the joiner, between the parts
    of an emoji. Anywhere else it can only make two texts differ that look the same.
    """
    if character not in "\u200c\u200d" or not before or not after:
        return False
    if unicodedata.combining(before[-1]) == _VIRAMA:
        return True
    if unicodedata.bidirectional(before[-1]) == unicodedata.bidirectional(after[0]) == "AL":
        return True
    base = before.rstrip(_OF_EMOJI)[-1:]
    return character == "\u200d" and all(
        part != "" and (unicodedata.category(part) == "So" or part in _EMOJI)
        for part in (base, after[0])
    )
