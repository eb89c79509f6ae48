"""The real PostgreSQL and Redis for tests: had from either place, and gone after the run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from pneumatic.loopback import binaries
from pneumatic.loopback.binaries import Binary
from pneumatic.loopback.servers import postgres_answers, redis_answers
from pneumatic.testing import services

ONE_AT_A_TIME = pytest.mark.xdist_group("services")
COMMAND = [sys.executable, "-m", "pneumatic.testing.services", "--"]
PRINT_AND_WAIT = """
import os, sys
print(os.environ["DATABASE_URL"], os.environ["REDIS_URL"], flush=True)
sys.stdin.read()
"""


def without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


def only_from(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Let services be found in `source` ("system" or "wheel") alone; skip where it has none."""
    postgres = [binary for binary in binaries.find_postgres() if binary.source == source]
    caches = [binary for binary in binaries.find_redis() if binary.source == source]
    if not (postgres and caches):
        pytest.skip(f"no PostgreSQL and Redis from: {source}")
    monkeypatch.setattr(services, "find_postgres", lambda: postgres)
    monkeypatch.setattr(services, "find_redis", lambda: caches)


@ONE_AT_A_TIME
@pytest.mark.parametrize("source", ["system", "wheel"])
def test_both_services_start_from_either_place_and_answer(
    monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    without_addresses(monkeypatch)
    only_from(monkeypatch, source)
    with services.running() as running:
        assert running.missing == {}
        with psycopg.connect(running.environment["DATABASE_URL"]) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
        client = redis.Redis.from_url(running.environment["REDIS_URL"])
        assert client.ping()
        client.close()
        assert running.folder is not None
        folder = running.folder
    assert not folder.exists()


@ONE_AT_A_TIME
def test_the_servers_refuse_whoever_has_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    without_addresses(monkeypatch)
    with services.running() as running:
        if running.missing:
            pytest.skip(f"no real services: {running.missing}")
        _, _, host = running.environment["DATABASE_URL"].rpartition("@")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://pneumatic:wrong@{host}")
        _, _, host = running.environment["REDIS_URL"].rpartition("@")
        client = redis.Redis.from_url(f"redis://{host}")
        with pytest.raises(redis.AuthenticationError):
            client.ping()
        client.close()


@ONE_AT_A_TIME
@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells a child of our death"
)
def test_the_servers_die_with_a_run_that_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    without_addresses(monkeypatch)
    run = subprocess.Popen(
        [*COMMAND, sys.executable, "-c", PRINT_AND_WAIT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    assert run.stdin is not None
    assert run.stdout is not None
    addresses = run.stdout.readline().split()
    if not addresses:
        run.communicate()
        pytest.skip("no real services here")
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()

    deadline = time.monotonic() + 10
    while postgres_answers(addresses[0]) or redis_answers(addresses[1]):
        assert time.monotonic() < deadline, "a server outlived the run"
        time.sleep(0.05)


def test_addresses_in_the_environment_are_taken_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://someone@example.invalid/db")
    monkeypatch.setenv("REDIS_URL", "redis://example.invalid")
    with services.running() as running:
        assert running.environment["DATABASE_URL"] == "postgres://someone@example.invalid/db"
        assert running.environment["REDIS_URL"] == "redis://example.invalid"
        assert running.folder is None


def test_what_cannot_be_had_is_named_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_addresses(monkeypatch)
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\necho no room on this machine\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(services, "find_postgres", list)
    monkeypatch.setattr(services, "find_redis", lambda: [Binary(broken, "system")])
    with services.running() as running:
        assert running.environment == {}
        assert running.missing["PostgreSQL"] == "no `postgres` program was found"
        assert str(broken) in running.missing["Redis"]
