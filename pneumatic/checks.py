"""Mistakes of deployment, found at start: each with an id, and how to mend it.

Errors stop ``manage.py check`` (and so migrate and the server); warnings are only told.
"""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured

SHORTEST_SECRET: Final = 32
_FEWEST_CHARACTERS: Final = 8
_PLACEHOLDERS: Final = ("django-insecure", "changeme", "change-me", "secret", "example", "password")

Check = Callable[..., Sequence[CheckMessage]]


def _is_weak(secret: str) -> bool:
    return (
        len(secret) < SHORTEST_SECRET
        or len(set(secret)) < _FEWEST_CHARACTERS
        or secret.lower().startswith(_PLACEHOLDERS)
    )


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
    """E002: long, varied, and no placeholder."""
    if not (settings.PRODUCTION and _is_weak(str(settings.SECRET_KEY))):
        return []
    return [
        Error(
            "SECRET_KEY is weak: sessions and links could be forged.",
            hint="Set 50 random characters, for example from `openssl rand -base64 50`.",
            id="pneumatic.E002",
        )
    ]


def jwt_key_is_its_own_and_long(**_: Any) -> list[CheckMessage]:
    """E003 and E004: for every key of the ring, since each can sign what we believe."""
    found: list[CheckMessage] = []
    if settings.SECRET_KEY in settings.JWT_SIGNING_KEYS:
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


def processes_share_one_world(**_: Any) -> list[CheckMessage]:
    """E005: several processes need Redis between them."""
    if settings.PROCESSES <= 1 or settings.REDIS_URL:
        return []
    return [
        Error(
            f"{settings.PROCESSES} processes without REDIS_URL: each process would have its own "
            "world, and people in different ones would not hear from each other.",
            hint="Set REDIS_URL, or WEB_CONCURRENCY=1.",
            id="pneumatic.E005",
        )
    ]


def hosts_are_named(**_: Any) -> list[CheckMessage]:
    """E006."""
    if not settings.PRODUCTION:
        return []
    if settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Error(
            "ALLOWED_HOSTS is empty: every request would be refused."
            if not settings.ALLOWED_HOSTS
            else "ALLOWED_HOSTS is a wildcard: links could be made to point anywhere.",
            hint="Name the hosts, for example ALLOWED_HOSTS=chat.example.org.",
            id="pneumatic.E006",
        )
    ]


def origins_are_full(**_: Any) -> list[CheckMessage]:
    """E007: scheme, host and port, nothing else."""
    wrong = [
        origin
        for origin in settings.ALLOWED_ORIGINS
        if not origin.startswith(("http://", "https://")) or "*" in origin or origin.count("/") != 2
    ]
    if not wrong:
        return []
    return [
        Error(
            f"ALLOWED_ORIGINS holds what is no origin: {', '.join(wrong)}.",
            hint="Write scheme://host[:port] without a path or wildcard.",
            id="pneumatic.E007",
        )
    ]


def https_is_on_in_production(**_: Any) -> list[CheckMessage]:
    """W001."""
    if not settings.PRODUCTION or settings.HTTPS:
        return []
    return [
        Caution(
            "HTTPS is off in production: passwords and messages travel in the clear.",
            hint="Put a TLS proxy in front and leave HTTPS=1.",
            id="pneumatic.W001",
        )
    ]


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


def proxies_are_counted(**_: Any) -> list[CheckMessage]:
    """W002: behind a proxy that isn't counted all clients look like one, and HTTPS like HTTP."""
    if not settings.PRODUCTION or settings.TRUSTED_PROXIES or not settings.HTTPS:
        return []
    return [
        Caution(
            "TRUSTED_PROXIES is 0 with HTTPS on: behind a proxy every request would be "
            "redirected for ever, and all clients would share one rate limit.",
            hint="Set TRUSTED_PROXIES to the number of proxies in front of this server.",
            id="pneumatic.W002",
        )
    ]


def redis_is_not_open_to_all(**_: Any) -> list[CheckMessage]:
    """W003."""
    parts = urlsplit(settings.REDIS_URL)
    if not settings.PRODUCTION or parts.scheme != "redis" or parts.password:
        return []
    host = parts.hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host in ("", "localhost")
    if local:
        return []
    return [
        Caution(
            "REDIS_URL has no password and no TLS, and is on another machine.",
            hint="Use rediss://:password@host, or keep Redis in a private network.",
            id="pneumatic.W003",
        )
    ]


def registration_by_domain_is_verified(**_: Any) -> list[CheckMessage]:
    """E020."""
    if settings.REGISTRATION != "domain":
        return []
    if settings.EMAIL_VERIFICATION and settings.REGISTRATION_DOMAINS:
        return []
    return [
        Error(
            "REGISTRATION=domain, but no domain is named, or addresses are taken at their word.",
            hint="Set REGISTRATION_DOMAINS, and EMAIL_VERIFICATION with an EMAIL_URL.",
            id="pneumatic.E020",
        )
    ]


def verification_has_mail(**_: Any) -> list[CheckMessage]:
    """E021."""
    if not settings.EMAIL_VERIFICATION or settings.MAIL_ON:
        return []
    return [
        Error(
            "EMAIL_VERIFICATION is on without e-mail: nobody could register.",
            hint="Set EMAIL_URL, or EMAIL_VERIFICATION=0.",
            id="pneumatic.E021",
        )
    ]


def links_have_a_base(**_: Any) -> list[CheckMessage]:
    """E022: the base is never the Host header, which whoever asks can choose."""
    if not settings.PRODUCTION or not settings.MAIL_ON:
        return []
    base = settings.PUBLIC_URL or next(iter(settings.ALLOWED_ORIGINS), "")
    if base.startswith("https://" if settings.HTTPS else ("http://", "https://")):
        return []
    return [
        Error(
            "Links in e-mail have no base: neither PUBLIC_URL nor ALLOWED_ORIGINS is a full "
            "address.",
            hint="Set PUBLIC_URL, for example https://chat.example.org.",
            id="pneumatic.E022",
        )
    ]


ALL: Final[tuple[Check, ...]] = (
    debug_is_off_in_production,
    secret_key_is_strong,
    jwt_key_is_its_own_and_long,
    processes_share_one_world,
    hosts_are_named,
    origins_are_full,
    https_is_on_in_production,
    metrics_are_guarded,
    proxies_are_counted,
    redis_is_not_open_to_all,
    registration_by_domain_is_verified,
    verification_has_mail,
    links_have_a_base,
)


def register_all() -> None:
    """Hand the checks to Django; they run with every ``manage.py`` command that checks."""
    for check in ALL:
        register(check, Tags.security)


def stop_on_errors() -> None:
    """Raise ImproperlyConfigured with every error above: for servers, which run no checks."""
    found = [message for check in ALL for message in check() if message.is_serious()]
    if found:
        raise ImproperlyConfigured("\n".join(str(message) for message in found))
