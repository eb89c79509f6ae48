"""The cluster's PostgreSQL and Redis, or its SQLite file: started, stopped, crashed, emptied."""

import signal
from functools import partial
from pathlib import Path
from typing import cast

import redis

from pneumatic.loopback.binaries import find_postgres, find_redis
from pneumatic.loopback.processes import Server, StartError, start_server, unprivileged_account
from pneumatic.loopback.servers import postgres_answers, redis_answers, start_postgres, start_redis


class Stores:
    """PostgreSQL and Redis of the run's own; with neither, a file of SQLite."""

    def __init__(self, folder: Path, *, postgres: bool) -> None:
        self.has_services = postgres
        self.redis_url = ""
        #: For plain SQL: an address of PostgreSQL, or a file.
        self.database = str(folder / "data" / "pneumatic.sqlite3")
        self._folder = folder
        self._postgres: Server | None = None
        self._redis: Server | None = None

    @property
    def database_url(self) -> str:
        """As `DATABASE_URL` has it; empty for SQLite in the data folder."""
        return self.database if self.has_services else ""

    def start(self) -> None:
        """Start what is wanted. Raises `StartError` where a program can't be had."""
        if not self.has_services:
            return
        postgres, redis_server = find_postgres(), find_redis()
        if not postgres or not redis_server:
            raise StartError(
                "No `postgres` or no `redis-server` program was found;"
                " `--database sqlite` needs neither."
            )
        self._postgres, self.database = start_postgres(postgres[0], self._make("postgres"))
        self._redis, self.redis_url = start_redis(redis_server[0], self._make("redis"))

    def stop(self) -> None:
        """Stop both. Harmless the second time."""
        self.stop_redis()
        self._end(self._postgres, signal.SIGQUIT)
        self._postgres = None

    def stop_redis(self) -> None:
        self._end(self._redis, signal.SIGKILL)

    def start_redis(self) -> None:
        """Start Redis again, empty, on the same port, and wait until it answers."""
        self._redis = self._again(
            self._redis, "redis", signal.SIGKILL, partial(redis_answers, self.redis_url)
        )

    def flush_redis(self) -> None:
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()

    def stop_postgres(self) -> None:
        """As a crash does: nobody is asked, nothing is finished."""
        self._end(self._postgres, signal.SIGQUIT)

    def start_postgres(self) -> None:
        """Start PostgreSQL again on the same data and port, and wait until it answers."""
        self._postgres = self._again(
            self._postgres, "postgres", signal.SIGQUIT, partial(postgres_answers, self.database)
        )

    def _make(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder

    @staticmethod
    def _end(server: Server | None, how: signal.Signals) -> None:
        if server is not None and server.process.poll() is None:
            server.process.send_signal(how)
            server.process.wait(20)

    def _again(
        self, server: Server | None, name: str, death: signal.Signals, ready: "partial[bool]"
    ) -> Server:
        if server is None:
            raise StartError(f"{name} was never started")
        return start_server(
            cast(list[str], server.process.args),
            log=self._folder / name / "log",
            account=unprivileged_account(),
            stop_signal=server.stop_signal,
            death_signal=death,
            ready=ready,
        )
