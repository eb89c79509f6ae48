"""What may be right on a laptop, and never where the internet can reach it."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error


def environment_is_production(**_: Any) -> list[CheckMessage]:
    """E009: what is no production has generated keys, any host and error pages with details."""
    if settings.PRODUCTION:
        return []
    return [
        Error(
            f"PNEUMATIC_ENV is {settings.ENVIRONMENT}: made for a laptop, open to everybody.",
            hint="Set PNEUMATIC_ENV=production, and what it then asks for.",
            id="pneumatic.E009",
        )
    ]


def transport_is_secure(**_: Any) -> list[CheckMessage]:
    """E010 and E011: cookies, and the redirect with HSTS so that there is no second time."""
    found: list[CheckMessage] = []
    hint = "Leave HTTPS=1, with a TLS proxy in front."
    needed = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_SECURE")
    if wrong := [name for name in needed if not getattr(settings, name)]:
        problem = f"Cookies could be read on the way, or by scripts: {', '.join(wrong)} is off."
        found.append(Error(problem, hint=hint, id="pneumatic.E010"))
    if not (settings.SECURE_SSL_REDIRECT and settings.SECURE_HSTS_SECONDS):
        problem = "Who comes over HTTP is not led to HTTPS: anybody on the way could answer."
        found.append(Error(problem, hint=hint, id="pneumatic.E011"))
    return found


def processes_have_a_server_of_data(**_: Any) -> list[CheckMessage]:
    """E012: SQLite has one writer at a time, whatever the number of processes."""
    if settings.PROCESSES <= 1 or not settings.ON_SQLITE:
        return []
    return [
        Error(
            f"{settings.PROCESSES} processes on one SQLite file: they would wait for each other.",
            hint="Set DATABASE_URL to a PostgreSQL, or WEB_CONCURRENCY=1.",
            id="pneumatic.E012",
        )
    ]
