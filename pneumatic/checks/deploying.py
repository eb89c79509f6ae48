"""What may be right on a laptop, and never where the internet can reach it."""

from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

#: Passes over the memory, and how much (KiB) makes them enough: what the OWASP Password Storage
#: Cheat Sheet calls equally strong settings of Argon2id.
_ENOUGH: Final = ((1, 47_104), (2, 19_456), (3, 12_288), (4, 9_216), (5, 7_168))
_LIMITS: Final = (
    "RATE_LIMIT_PER_MINUTE",
    "RATE_LIMIT_PER_HOUR",
    "ANONYMOUS_ATTEMPTS_PER_MINUTE",
    "SOCKET_COMMANDS_PER_MINUTE",
    "SOCKETS_PER_PROCESS",
    "SOCKETS_PER_USER",
    "SOCKETS_PER_ADDRESS",
    "CONVERSATIONS_PER_DAY",
    "MEMBERS_PER_DAY",
)


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


def staff_has_a_second_factor(**_: Any) -> list[CheckMessage]:
    """W010: the administration opens every account, so a password alone is little for it."""
    if settings.REQUIRE_SECOND_FACTOR != "nobody":
        return []
    return [
        Caution(
            "REQUIRE_SECOND_FACTOR is nobody: one guessed password opens the administration.",
            hint="Set REQUIRE_SECOND_FACTOR=staff, or everyone.",
            id="pneumatic.W010",
        )
    ]


def limits_are_on(**_: Any) -> list[CheckMessage]:
    """W011."""
    lifted = [name for name in _LIMITS if not getattr(settings, name)]
    if not lifted:
        return []
    return [
        Caution(
            f"{', '.join(lifted)} is 0: one client can take all that this server has.",
            hint="Leave them out, or set them to more than 0.",
            id="pneumatic.W011",
        )
    ]


def passwords_are_costly_to_guess(**_: Any) -> list[CheckMessage]:
    """W012: after a theft of the database, only the cost of a hash slows guessing."""
    time, memory = settings.ARGON2_TIME_COST, settings.ARGON2_MEMORY_KIB
    if any(time >= passes and memory >= kib for passes, kib in _ENOUGH):
        return []
    return [
        Caution(
            f"Hashes of passwords are cheap: {memory} KiB, {time} times over.",
            hint="Leave ARGON2_MEMORY_KIB and ARGON2_TIME_COST out, or see manage.py tune_argon2.",
            id="pneumatic.W012",
        )
    ]
