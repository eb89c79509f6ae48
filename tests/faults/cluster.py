"""Two server processes on one database and one Redis, which is reached through a wire."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import httpx
import psycopg

from pneumatic.loopback.binaries import find_redis
from pneumatic.loopback.processes import make_folder
from pneumatic.loopback.servers import start_redis
from pneumatic.settings import BASE_DIR
from tests.faults.device import Device
from tests.faults.wire import Wire
from tests.server.running import SERVE, Running


@dataclass
class Cast:
    """Some people, all in one group, with an access token for each of their devices."""

    group: str
    people: list[str]
    tokens: list[list[str]]


def make_people(server: Running, count: int, devices: int) -> Cast:
    """In the database of this server, which need not run."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.people", str(count), str(devices)],
        cwd=BASE_DIR,
        env={**server.environment, "DJANGO_SETTINGS_MODULE": "pneumatic.settings"},
        check=False,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(done.stdout)
    return Cast(
        made["group"],
        [each["id"] for each in made["people"]],
        [each["tokens"] for each in made["people"]],
    )


class OwnDatabase:
    """A new PostgreSQL database where this test run is on PostgreSQL, else an SQLite file."""

    def __init__(self) -> None:
        self._server = os.environ.get("DATABASE_URL", "")
        self._name = f"faults_{uuid.uuid4().hex}"
        self.settings: dict[str, str] = {}
        if self._server.startswith(("postgres:", "postgresql:")):
            self._execute(f'CREATE DATABASE "{self._name}"')
            url = urllib.parse.urlparse(self._server)._replace(path=f"/{self._name}")
            self.settings["DATABASE_URL"] = url.geturl()

    def drop(self) -> None:
        if self.settings:
            self._execute(f'DROP DATABASE "{self._name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement)


class Cluster:
    """Two processes, their Redis, and a wire to it for each of them."""

    def __init__(self, people: int = 4, devices: int = 40, command: Sequence[str] = SERVE) -> None:
        self.folder = make_folder()
        self.redis, self.redis_url = start_redis(find_redis()[0], self.folder)
        address = urllib.parse.urlparse(self.redis_url)
        assert address.port is not None
        self._database = OwnDatabase()
        self.wires = [Wire(address.port).start() for _ in range(2)]
        settings = {
            # On, and out of reach: what asks Redis for them is part of what is tested.
            "RATE_LIMIT_PER_MINUTE": "1000000",
            "RATE_LIMIT_PER_HOUR": "10000000",
            "SOCKET_COMMANDS_PER_MINUTE": "1000000",
            "ALLOWED_HOSTS": "127.0.0.1",
            "PYTHONPATH": str(BASE_DIR),
            "DJANGO_SETTINGS_MODULE": "pneumatic.settings",
            **self._database.settings,
        }
        data = self.folder / "data"
        data.mkdir()
        through = [self.redis_url.replace(f":{address.port}", f":{w.port}") for w in self.wires]
        self.servers = [Running(data, REDIS_URL=url, **settings) for url in through]
        self.servers[0].manage("migrate", "--verbosity=0")
        self.cast = make_people(self.servers[0], people, devices)
        for server in self.servers:
            server.start(command)
        self._used = [0] * len(self.cast.people)

    @property
    def group(self) -> str:
        return self.cast.group

    def device(self, person: int, server: int) -> Device:
        """A device of its own session, at one of the servers; not connected."""
        self._used[person] += 1
        token = self.cast.tokens[person][self._used[person] - 1]
        return Device(token, self.servers[server].port)

    async def ask(self, server: int, path: str, person: int = 0) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.cast.tokens[person][-1]}"}
        async with httpx.AsyncClient(base_url=self.servers[server].url, timeout=20) as client:
            return await client.get(path, headers=headers)

    # --- What becomes of Redis, for both processes ------------------------------------------------

    def cut(self) -> None:
        for wire in self.wires:
            wire.cut()

    def go_silent(self) -> None:
        for wire in self.wires:
            wire.go_silent()

    def delay(self, seconds: float) -> None:
        for wire in self.wires:
            wire.delay = seconds

    def heal(self) -> None:
        for wire in self.wires:
            wire.heal()

    def close(self) -> None:
        for server in self.servers:
            server.stop()
        for wire in self.wires:
            wire.stop()
        self.redis.stop()
        self._database.drop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Pair(NamedTuple):
    """Two people's devices, each at a process of its own."""

    alice: Device
    bob: Device


async def is_live(cluster: Cluster, pair: Pair, seconds: float = 40) -> float:
    """Wait until what one process says is heard by the other at once, without a sync."""
    began = time.monotonic()
    while True:
        assert time.monotonic() - began < seconds, "push never came back"
        body = str(uuid.uuid4())
        await pair.alice.send(cluster.group, body)
        try:
            await pair.bob.until(lambda: heard_live(pair.bob, body), 0.5)  # noqa: B023
        except TimeoutError:
            continue
        return time.monotonic() - began


def heard_live(device: Device, body: str) -> bool:
    return any(
        frame["type"] == "message" and frame["data"]["body"] == body for frame in device.received
    )
