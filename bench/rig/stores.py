"""PostgreSQL as it is run for real, and Redis, for the length of a run."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import redis
from psycopg.sql import SQL, Identifier

from pneumatic.loopback.binaries import find_postgres, find_redis
from pneumatic.loopback.processes import StartError
from pneumatic.loopback.servers import start_postgres, start_redis

#: The defaults of PostgreSQL 15, written out where a test's differ: what is committed is on disk.
#: The buffers are what its manual advises for a machine that serves nothing else but this.
POSTGRES_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "200",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
}


class Stores(NamedTuple):
    folder: Path
    #: Of an empty database that nobody uses; `new_database` makes those that are.
    database_url: str
    redis_url: str
    postgres_pid: int
    redis_pid: int

    def new_database(self) -> str:
        """The address of a new, empty database."""
        name = f"bench_{secrets.token_hex(4)}"
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{self.database_url.rpartition('/')[0]}/{name}"

    def versions(self) -> str:
        """Of both, and the settings that a figure depends on."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        with redis.Redis.from_url(self.redis_url) as client:
            info: dict[str, Any] = client.info("server")
        shown = ("fsync", "synchronous_commit", "shared_buffers")
        options = ", ".join(f"{name}={POSTGRES_OPTIONS[name]}" for name in shown)
        return f"PostgreSQL {row[0] if row else '?'} ({options}), Redis {info['redis_version']}"

    def redis_number(self, number: int) -> str:
        """The address of one of the sixteen databases of Redis."""
        return f"{self.redis_url.rpartition('/')[0]}/{number}"


def rows_of(database_url: str, table: str) -> int:
    """How many are committed in this table."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            SQL("SELECT count(*) FROM {}").format(Identifier(table))
        ).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def running(folder: Path) -> Iterator[Stores]:
    """Both, on free ports of loopback. Raises `StartError` where a program can't be had."""
    postgres, redis_programs = find_postgres(), find_redis()
    if not postgres or not redis_programs:
        raise StartError("No `postgres` or no `redis-server` program was found.")
    places = folder / "postgres", folder / "redis"
    for place in places:
        place.mkdir()
    server, database_url = start_postgres(postgres[0], places[0], POSTGRES_OPTIONS)
    try:
        redis_server, redis_url = start_redis(redis_programs[0], places[1])
        try:
            pids = server.process.pid, redis_server.process.pid
            yield Stores(folder, database_url, redis_url, *pids)
        finally:
            redis_server.stop()
    finally:
        server.stop()
