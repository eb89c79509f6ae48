"""Typed readers of environment variables that stop the start on nonsense.

Each reader returns the default when the variable is missing or empty, and raises
:class:`BadSetting`, which names the variable and the mend, when its text makes no sense.
"""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


class BadSetting(ValueError):
    """An environment variable holds something that can't be used."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")


def text(name: str, default: str = "") -> str:
    """The variable's text without surrounding space, or ``default``."""
    return os.environ.get(name, "").strip() or default


def boolean(name: str, default: bool) -> bool:
    """``1/true/yes/on`` or ``0/false/no/off``."""
    value = text(name).lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise BadSetting(name, f"{value!r} is neither true nor false; write 1 or 0")


def integer(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """A whole number from ``least`` to ``most``."""
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise BadSetting(name, f"{value!r} is not a whole number") from None
    if not least <= number <= most:
        raise BadSetting(name, f"{number} is not between {least} and {most}")
    return number


def choice(name: str, default: str, among: tuple[str, ...]) -> str:
    """One of the words in ``among``, whatever its case."""
    value = text(name, default)
    for word in among:
        if word.lower() == value.lower():
            return word
    raise BadSetting(name, f"{value!r} is not one of {', '.join(among)}")


def words(name: str, default: list[str]) -> list[str]:
    """A comma-separated list."""
    value = text(name)
    return [word.strip() for word in value.split(",") if word.strip()] if value else default


def database(name: str, default_sqlite: Path) -> dict[str, object]:
    """Django's connection settings for a ``postgres://`` or ``sqlite:///`` address.

    Query parameters of a PostgreSQL address (``sslmode``, ``connect_timeout``, …) are handed to
    the driver as they are.
    """
    value = text(name)
    if not value:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": default_sqlite}
    parts = urlsplit(value)
    if parts.scheme == "sqlite":
        path = unquote(parts.path)[1:]
        if not path:
            raise BadSetting(name, "name the file, for example sqlite:////srv/chat.sqlite3")
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(path)}
    if parts.scheme not in {"postgres", "postgresql"}:
        raise BadSetting(name, f"{parts.scheme!r} is not supported; use postgres:// or sqlite:///")
    try:
        port = parts.port
    except ValueError:
        raise BadSetting(name, "its port is not a number") from None
    database_name = unquote(parts.path.lstrip("/"))
    if not database_name:
        raise BadSetting(name, "it names no database, for example postgres://user@host/chat")
    options: dict[str, object] = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database_name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def redis_url(name: str) -> str:
    """A ``redis://``, ``rediss://`` or ``unix://`` address, or an empty text."""
    value = text(name)
    if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise BadSetting(name, "use redis://host:port/0, rediss://… or unix://path")
    return value


def mail(name: str, default: str) -> dict[str, Any]:
    """Django's settings of e-mail for an address; empty where there is none.

    ``smtp://user:password@host:587`` (with STARTTLS; ``?tls=0`` without), ``smtps://…:465``,
    ``console:`` (writes to standard output) or ``file:///folder`` (a file for each message).
    """
    value = text(name, default)
    if not value:
        return {}
    parts = urlsplit(value)
    package = "django.core.mail.backends"
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": f"{package}.console.EmailBackend"}
    if parts.scheme == "file":
        return {
            "EMAIL_BACKEND": f"{package}.filebased.EmailBackend",
            "EMAIL_FILE_PATH": unquote(parts.path),
        }
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise BadSetting(name, "use smtp://user:password@host:587, smtps://… or console:")
    try:
        port = parts.port
    except ValueError:
        raise BadSetting(name, "its port is not a number") from None
    options = dict(parse_qsl(parts.query))
    implicit = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": f"{package}.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if implicit else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit,
        "EMAIL_USE_TLS": not implicit and options.get("tls", "1") not in _FALSE,
        "EMAIL_TIMEOUT": 10,
    }


def issuer(name: str, *, insecure: bool) -> str:
    """The address of a provider of identities as it writes it itself, or an empty text.

    ``https://`` without query and fragment; with ``insecure``, for a provider on the developer's
    own machine, ``http://`` as well.
    """
    value = text(name)
    if not value:
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        raise BadSetting(name, "it is no address") from None
    if parts.scheme != "https" and not (insecure and parts.scheme == "http"):
        raise BadSetting(name, "use https://")
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise BadSetting(name, "write https://host/path, as the provider's own pages do")
    if len(value) > 255:
        raise BadSetting(name, "it is longer than 255 characters")
    return value


def secret(name: str, kept_in: Path | None) -> str:
    """The variable, else a key generated once and kept in ``kept_in`` with mode 0600.

    ``kept_in`` is None where a secret must be given (production); raises ``BadSetting`` then.
    """
    value = text(name)
    if value:
        return value
    if kept_in is None:
        raise BadSetting(name, "it is required in production; set 50 random characters")
    try:
        return kept_in.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    kept_in.parent.mkdir(parents=True, exist_ok=True)
    fresh = secrets.token_urlsafe(50)
    # Written aside and linked into place, so that of two first starts both keep the same key.
    aside = kept_in.with_name(f"{kept_in.name}.{os.getpid()}")
    aside.touch(mode=0o600)
    aside.write_text(fresh, encoding="ascii")
    try:
        os.link(aside, kept_in)
    except FileExistsError:
        fresh = kept_in.read_text(encoding="ascii").strip()
    finally:
        aside.unlink()
    return fresh
