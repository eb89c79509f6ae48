"""Real PostgreSQL and Redis for a test run, on any machine.

For each service, the first of these that works: the address in the environment (`DATABASE_URL`,
`REDIS_URL`), the system's own program, the program inside a wheel. Servers listen on loopback only,
on free ports, behind a random password, keep their data in a temporary folder without fsync, and
die with the process that started them.

`python -m pneumatic.testing.services -- command …` runs any command on such services.
"""

import argparse
import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pneumatic.loopback.binaries import find_postgres, find_redis
from pneumatic.loopback.processes import Server, StartError, make_folder
from pneumatic.loopback.servers import start_postgres, start_redis


@dataclass
class Services:
    """What a run has: addresses by variable, where each came from, and what could not be had."""

    environment: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    folder: Path | None = None

    def new_folder(self, name: str) -> Path:
        """An empty folder for one more attempt at a server, inside this run's temporary folder."""
        if self.folder is None:
            self.folder = make_folder()
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def stop(self) -> None:
        """Stop what was started and remove its data. Harmless the second time."""
        while self.servers:
            self.servers.pop().stop()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


def start() -> Services:
    """Start what the environment does not name; `missing` says what could not be had, and why."""
    services = Services()
    # An own handler beside `stop()`: a run that ends in an exception leaves nothing behind either.
    atexit.register(services.stop)
    _provide_postgres(services)
    _provide_redis(services)
    return services


@contextmanager
def running() -> Iterator[Services]:
    """Services for the length of a `with` block."""
    services = start()
    try:
        yield services
    finally:
        services.stop()


def ensure() -> Services:
    """Start services for this process, and name them in its environment, for its children too."""
    services = start()
    os.environ.update(services.environment)
    return services


def _provide_postgres(services: Services) -> None:
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith(("postgres:", "postgresql:")):
        services.environment["DATABASE_URL"] = url
        services.sources["PostgreSQL"] = "DATABASE_URL"
        return
    reasons = []
    for binary in find_postgres():
        try:
            server, url = start_postgres(binary, services.new_folder("postgres"))
        except (StartError, OSError) as error:
            reasons.append(f"{binary.path}: {error}")
            continue
        services.servers.append(server)
        services.environment["DATABASE_URL"] = url
        services.sources["PostgreSQL"] = f"{binary.source}, {binary.path}"
        return
    services.missing["PostgreSQL"] = "\n".join(reasons) or "no `postgres` program was found"


def _provide_redis(services: Services) -> None:
    url = os.environ.get("REDIS_URL", "")
    if url:
        services.environment["REDIS_URL"] = url
        services.sources["Redis"] = "REDIS_URL"
        return
    reasons = []
    for binary in find_redis():
        try:
            server, url = start_redis(binary, services.new_folder("redis"))
        except (StartError, OSError) as error:
            reasons.append(f"{binary.path}: {error}")
            continue
        services.servers.append(server)
        services.environment["REDIS_URL"] = url
        services.sources["Redis"] = f"{binary.source}, {binary.path}"
        return
    services.missing["Redis"] = "\n".join(reasons) or "no `redis-server` program was found"


def main(arguments: list[str] | None = None) -> int:
    """Run a command on real services; its exit status is ours, 2 when a service is missing."""
    parser = argparse.ArgumentParser(prog="pneumatic.testing.services", description=main.__doc__)
    parser.add_argument("command", nargs="+", help="the command and its arguments, after --")
    command = parser.parse_args(arguments).command
    with running() as services:
        for name, source in services.sources.items():
            print(f"{name}: {source}", file=sys.stderr)
        for name, reason in services.missing.items():
            print(f"{name} cannot be had: {reason}", file=sys.stderr)
        if services.missing:
            return 2
        return subprocess.call(command, env={**os.environ, **services.environment})


if __name__ == "__main__":
    sys.exit(main())
