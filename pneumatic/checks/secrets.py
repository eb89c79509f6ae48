"""What must not be guessed, or shown."""

from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error

SHORTEST_SECRET: Final = 32
_FEWEST_CHARACTERS: Final = 8
_PLACEHOLDERS: Final = ("django-insecure", "changeme", "change-me", "secret", "example", "password")


def _is_weak(secret: str) -> bool:
    return (
        len(secret) < SHORTEST_SECRET
        or len(set(secret)) < _FEWEST_CHARACTERS
        or secret.lower().startswith(_PLACEHOLDERS)
    )


def _secret_keys() -> list[str]:
    return [str(settings.SECRET_KEY), *settings.SECRET_KEY_FALLBACKS]


def debug_is_off_in_production(**_: Any) -> list[CheckMessage]:
    """E001."""
    if not (settings.PRODUCTION and settings.DEBUG):
        return []
    return [
        Error(
            "DEBUG is on in production: error pages would show the inside to anyone.",
            hint="Set DEBUG=0, or leave it out.",
            id="pneumatic.E001",
        )
    ]


def secret_key_is_strong(**_: Any) -> list[CheckMessage]:
    """E002: long, varied, and no placeholder; former ones too, which are believed as well."""
    if not (settings.PRODUCTION and any(_is_weak(key) for key in _secret_keys())):
        return []
    return [
        Error(
            "SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is weak: sessions and links could be "
            "forged.",
            hint="Set 50 random characters, for example from `openssl rand -base64 50`.",
            id="pneumatic.E002",
        )
    ]


def jwt_key_is_its_own_and_long(**_: Any) -> list[CheckMessage]:
    """E003 and E004: for every key of the ring, since each can sign what we believe."""
    found: list[CheckMessage] = []
    if set(_secret_keys()) & set(settings.JWT_SIGNING_KEYS):
        found.append(
            Error(
                "JWT_SIGNING_KEY is the same as SECRET_KEY: one leak would open both.",
                hint="Give each its own random text.",
                id="pneumatic.E003",
            )
        )
    if any(
        len(key.encode()) < SHORTEST_SECRET or (settings.PRODUCTION and _is_weak(key))
        for key in settings.JWT_SIGNING_KEYS
    ):
        found.append(
            Error(
                f"JWT_SIGNING_KEY, or one of JWT_SIGNING_KEYS, is weak or shorter than "
                f"{SHORTEST_SECRET} bytes: access tokens could be forged.",
                hint="Set 50 random characters, for example from `openssl rand -base64 50`.",
                id="pneumatic.E004",
            )
        )
    return found


def metrics_are_guarded(**_: Any) -> list[CheckMessage]:
    """E008: a token that can be guessed guards nothing."""
    if not settings.PRODUCTION or not settings.METRICS_TOKEN:
        return []
    if len(settings.METRICS_TOKEN) >= SHORTEST_SECRET // 2:
        return []
    return [
        Error(
            "METRICS_TOKEN is short enough to be guessed: /metrics is as good as open.",
            hint=f"Use at least {SHORTEST_SECRET // 2} random characters, or leave it out: "
            "then only this machine may read /metrics.",
            id="pneumatic.E008",
        )
    ]
