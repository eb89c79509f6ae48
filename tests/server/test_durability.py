"""What is committed is on the disk, whatever the database's own settings say."""

import shutil
from pathlib import Path
from urllib.parse import urlparse

import pytest
from django.core.checks import run_checks
from django.db import connection

from pneumatic.loopback.binaries import find_postgres
from pneumatic.loopback.processes import make_folder
from pneumatic.loopback.servers import POSTGRES_OPTIONS, start_postgres
from tests.server.running import Running


def asked(server: Running, *statements: str) -> list[str]:
    """What the connections of a server with these settings answer."""
    program = "\n".join(
        [
            "from django.db import connection",
            "cursor = connection.cursor()",
            *(f"print(cursor.execute({each!r}).fetchone()[0])" for each in statements),
        ]
    )
    return server.manage("shell", "--no-imports", "-c", program).split()


@pytest.mark.once
def test_sqlite_waits_for_the_disk_with_every_commit(tmp_path: Path) -> None:
    server = Running(tmp_path)
    full = "2"
    assert asked(server, "PRAGMA journal_mode", "PRAGMA synchronous") == ["wal", full]


@pytest.mark.needs_postgres
def test_postgres_waits_for_the_disk_though_its_own_setting_is_not_to(tmp_path: Path) -> None:
    folder = make_folder()
    options = {**POSTGRES_OPTIONS, "synchronous_commit": "off"}
    postgres, url = start_postgres(find_postgres()[0], folder, options)
    try:
        for query in ("", "?options=-c%20synchronous_commit%3Doff%20-c%20work_mem%3D5MB"):
            server = Running(tmp_path, DATABASE_URL=urlparse(url).geturl() + query)
            kept, lock, memory = asked(
                server, "SHOW synchronous_commit", "SHOW lock_timeout", "SHOW work_mem"
            )
            assert (kept, lock) == ("on", "3s")
            # What else the address says holds.
            assert (memory == "5MB") is bool(query)
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.needs_postgres
@pytest.mark.django_db
def test_a_postgres_that_may_lose_its_last_commits_is_told_w005() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_settings WHERE setting = 'off'")
        off = {name for (name,) in cursor.fetchall()} & {"fsync", "full_page_writes"}
    found = [each for each in run_checks(databases=["default"]) if each.id == "pneumatic.W005"]
    # Our own throw-away servers have both off; one that was given to this run may not.
    assert len(found) == (1 if off else 0)
    assert all(name in found[0].msg for name in off)
    # Where the database isn't asked, nothing is.
    assert not [each for each in run_checks() if each.id == "pneumatic.W005"]
