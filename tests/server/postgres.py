"""A PostgreSQL that tests may do anything to."""

import asyncio
import contextlib
import os
import signal
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import psycopg

from pneumatic.loopback.binaries import find_postgres
from pneumatic.loopback.processes import StartError, start_server
from pneumatic.loopback.processes import unprivileged_account as account
from pneumatic.loopback.servers import postgres_answers, start_postgres
from tests.server.running import PATIENCE


class Postgres:
    """A PostgreSQL that tests may stop, crash and start again, one after the other.

    Each has a database of its own in it, with every migration, and leaves the server well.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server, self.url = start_postgres(find_postgres()[0], folder)
        self._command = cast(list[str], self.server.process.args)
        self._options: tuple[str, ...] = ()
        self._log = folder / "log"
        self._begun_at = 0
        self._administration = self._url_of("postgres")
        self._number = 0

    def begin(self) -> None:
        """A new database, like the one that was migrated."""
        self._number += 1
        name = f"test_{self._number}"
        self._administer(f"CREATE DATABASE {name} TEMPLATE pneumatic")
        self._begun_at = self._log.stat().st_size
        self.url = self._url_of(name)

    def heal(self) -> None:
        """Whatever the test has done with it: it runs as at first, without the test's database."""
        if self._options and self.server.process.poll() is None:
            self.end(signal.SIGINT)
        if self.server.process.poll() is not None:
            self.start()
        self._administer("SET default_transaction_read_only = off; ALTER SYSTEM RESET ALL")
        self._administer("SELECT pg_reload_conf()")
        self._administer(f"DROP DATABASE test_{self._number} WITH (FORCE)")

    @property
    def log(self) -> str:
        """What it has said since the test began."""
        return self._log.read_text(errors="replace")[self._begun_at :]

    def _url_of(self, database: str) -> str:
        return urllib.parse.urlparse(self.url)._replace(path=f"/{database}").geturl()

    def _administer(self, statements: str) -> None:
        with psycopg.connect(self._administration, autocommit=True) as connection:
            for each in statements.split(";"):
                connection.execute(each)

    @property
    def port(self) -> int:
        return urllib.parse.urlparse(self.url).port or 0

    def end(self, how: signal.Signals) -> None:
        """SIGINT ends it fast, SIGQUIT at once, as a crash does."""
        self.server.process.send_signal(how)
        self.server.process.wait(20)

    def start(self, *options: str) -> None:
        """Again, on the same data and port."""
        self._options = options
        deadline = time.monotonic() + 20
        while True:
            try:
                self.server = start_server(
                    [*self._command, *options],
                    log=self._log,
                    account=account(),
                    stop_signal=signal.SIGINT,
                    death_signal=signal.SIGQUIT,
                    ready=lambda: postgres_answers(self._administration),
                )
            except StartError:
                # Right after a crash the old one's memory may not be free yet.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def backends(self) -> set[int]:
        """The processes that serve a server's connections."""
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return {row[0] for row in rows}

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """All of it stands still for the length of a block; the kernel still takes what is sent."""
        pid = self.server.process.pid
        # The parent first: it starts no more children then.
        os.kill(pid, signal.SIGSTOP)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        stopped = [pid, *map(int, children)]
        try:
            for each in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGSTOP)
            yield
        finally:
            for each in reversed(stopped):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGCONT)

    async def somebody_waits_for_a_lock(self) -> None:
        """Return as soon as that is so."""
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        async with asyncio.timeout(PATIENCE):
            while True:
                with self.connect() as connection:
                    if connection.execute(waiting).fetchone():
                        return
                await asyncio.sleep(0.02)

    def connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.url)
