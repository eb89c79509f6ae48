"""Real servers for the kit: processes of our own, on whatever services this run has."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings

from pneumatic.loopback.processes import free_port, start_server

MANAGE = str(settings.BASE_DIR / "manage.py")


@contextlib.contextmanager
def running(command: str, folder: Path, **environment: str) -> Iterator[str]:
    """`manage.py <command>` with a fresh database; its address."""
    with _database() as url, pytest.MonkeyPatch.context() as patch:
        port = free_port()
        for name, value in {
            "PNEUMATIC_ENV": "development",
            "PNEUMATIC_DATA_DIR": str(folder),
            "PORT": str(port),
            "REDIS_PREFIX": f"conformance-{uuid.uuid4().hex[:8]}",
            "RATE_LIMIT_PER_MINUTE": "0",
            "RATE_LIMIT_PER_HOUR": "0",
            "ANONYMOUS_ATTEMPTS_PER_MINUTE": "0",
            "SOCKET_COMMANDS_PER_MINUTE": "0",
            "CONVERSATIONS_PER_DAY": "0",
            "MEMBERS_PER_DAY": "0",
            "SOCKETS_PER_USER": "0",
            "SOCKETS_PER_ADDRESS": "0",
            "LOG_LEVEL": "WARNING",
            **environment,
        }.items():
            patch.setenv(name, value)
        patch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
        if url:
            patch.setenv("DATABASE_URL", url)
        else:
            patch.delenv("DATABASE_URL", raising=False)
            patch.delenv("REDIS_URL", raising=False)
        subprocess.run([sys.executable, MANAGE, "migrate", "-v0"], check=True)
        server = start_server(
            [sys.executable, MANAGE, command],
            log=folder / "log",
            account=None,
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGKILL,
            ready=lambda: _answers(port),
            seconds=60,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.stop()


def check(url: str, *options: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
    """Run the kit as anybody would, with two new people."""
    return subprocess.run(
        [sys.executable, "-m", "pneumatic.conformance", url, "--register", *options],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@contextlib.contextmanager
def _database() -> Iterator[str | None]:
    """The address of a new PostgreSQL database where this run has one; None: SQLite."""
    ours: dict[str, Any] = settings.DATABASES["default"]
    if "postgresql" not in ours["ENGINE"] or not settings.REDIS_URL:
        yield None
        return
    name = f"conformance_{uuid.uuid4().hex[:8]}"
    parts = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False
