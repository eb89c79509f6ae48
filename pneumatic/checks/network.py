"""Where we are reached, and what we reach."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution


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


def _is_here(host: str) -> bool:
    """Whether this names the machine itself, or a socket in its file system."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.startswith("/")


def redis_is_not_open_to_all(**_: Any) -> list[CheckMessage]:
    """W003."""
    parts = urlsplit(settings.REDIS_URL)
    if not settings.PRODUCTION or parts.scheme != "redis" or parts.password:
        return []
    if _is_here(parts.hostname or ""):
        return []
    return [
        Caution(
            "REDIS_URL has no password and no TLS, and is on another machine.",
            hint="Use rediss://:password@host, or keep Redis in a private network.",
            id="pneumatic.W003",
        )
    ]


def _database() -> dict[str, Any]:
    return settings.DATABASES["default"]


def database_is_not_in_the_clear(**_: Any) -> list[CheckMessage]:
    """W004."""
    database = _database()
    mode = database.get("OPTIONS", {}).get("sslmode", "prefer")
    encrypted = mode in ("require", "verify-ca", "verify-full")
    if not settings.PRODUCTION or settings.ON_SQLITE or encrypted or _is_here(database["HOST"]):
        return []
    return [
        Caution(
            f"PostgreSQL is on another machine, and sslmode={mode} doesn't insist on TLS.",
            hint="Add ?sslmode=verify-full (or require) to DATABASE_URL.",
            id="pneumatic.W004",
        )
    ]
