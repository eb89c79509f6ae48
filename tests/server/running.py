"""A production server of a test's own, as a process, and people who talk with it from outside."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import httpx
import psycopg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pneumatic.loopback.binaries import find_postgres
from pneumatic.loopback.processes import Server, StartError, free_port, start_server
from pneumatic.loopback.processes import unprivileged_account as account
from pneumatic.loopback.servers import postgres_answers, start_postgres
from pneumatic.settings import BASE_DIR

PASSWORD = "correct horse battery staple"
#: Of an answer, or of a frame: bounds for what is broken.
PATIENCE = 40.0
#: To make one reads all the certificates that there are; nobody uses it here.
_TLS = ssl.create_default_context()
SERVE = [sys.executable, str(BASE_DIR / "manage.py"), "serve"]


async def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something that processes bring about."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.05)


class Running:
    """`manage.py serve` on a free port with its own data; `settings` go into its environment."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.server: Server | None = None
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PNEUMATIC_ENV": "development",
            "PNEUMATIC_DATA_DIR": str(folder),
            "PORT": str(self.port),
            "LOG_FORMAT": "console",
            "DRAIN_SECONDS": "2",
            **dict.fromkeys(("RATE_LIMIT_PER_MINUTE", "RATE_LIMIT_PER_HOUR"), "0"),
            **dict.fromkeys(("ANONYMOUS_ATTEMPTS_PER_MINUTE", "SOCKET_COMMANDS_PER_MINUTE"), "0"),
            **settings,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "pneumatic.sqlite3"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self.server is not None
        return self.server.process

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def manage(self, *command: str) -> str:
        """Run another command on the same data; what it printed."""
        return subprocess.run(
            [*SERVE[:2], *command],
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=150,
        ).stdout

    def start(self, command: Sequence[str] = SERVE) -> Self:
        environment = [f"{name}={value}" for name, value in self.environment.items()]
        self.server = start_server(
            ["/usr/bin/env", "-i", *environment, *command],
            log=self.folder / "log",
            account=None,
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGKILL,
            ready=self.answers,
            seconds=90,
        )
        return self

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def ended(self, seconds: float = 15) -> int:
        """The exit status; fails where the process still runs after so many seconds."""
        return await asyncio.to_thread(self.process.wait, seconds)

    def stop(self) -> None:
        """Whatever state it is in."""
        if self.server is not None:
            self.process.kill()
            self.process.wait()

    def stored(self) -> list[str]:
        """The ids of all messages that people wrote, in the SQLite file."""
        with sqlite3.connect(self.database) as connection:
            rows = connection.execute("SELECT id FROM chat_message WHERE kind = 'text'")
            return [str(uuid.UUID(row[0])) for row in rows]


class Person:
    """Somebody registered at a running server."""

    def __init__(self, server: Running, name: str) -> None:
        self.server = server
        self.name = name
        self.id = ""
        self.token = ""

    async def ask(self, path: str, wishes: dict[str, Any] | None = None) -> httpx.Response:
        """GET, or POST what is wished, as this person."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        base = f"{self.server.url}/api/v1/"
        async with httpx.AsyncClient(
            base_url=base, headers=headers, timeout=PATIENCE, verify=_TLS
        ) as client:
            return await (client.get(path) if wishes is None else client.post(path, json=wishes))

    async def register(self) -> Self:
        wishes = {
            "username": self.name,
            "email": f"{self.name}@example.org",
            "password": PASSWORD,
            "device": "test",
        }
        answer = await self.ask("auth/register/", wishes)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        self.id, self.token = body["user"]["id"], body["access"]
        return self

    async def group(self, *others: "Person", title: str = "Launch crew") -> str:
        """A new group; its id."""
        members = [each.id for each in others]
        wishes = {"kind": "group", "id": str(uuid.uuid4()), "title": title, "members": members}
        answer = await self.ask("conversations/", wishes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def post(self, group: str, body: str = "hello", id: str = "") -> httpx.Response:
        """Send a message by REST."""
        wishes = {"id": id or str(uuid.uuid4()), "body": body}
        return await self.ask(f"conversations/{group}/messages/", wishes)

    async def socket(self, **options: Any) -> "Socket":
        """A new socket, up to `synced`; `options` as for `Socket.connect`."""
        return await Socket(self).open(**options)


class Socket:
    """One device's socket from outside."""

    #: Those that no test has closed yet.
    open_ones: ClassVar[set["Socket"]] = set()

    def __init__(self, person: Person) -> None:
        self.person = person
        self.frames: list[dict[str, Any]] = []
        self._line: ClientConnection | None = None

    @property
    def line(self) -> ClientConnection:
        assert self._line is not None
        return self._line

    async def open(self, **options: Any) -> Self:
        await self.connect(**options)
        await self.say("hello", token=self.person.token, versions={})
        await self.expect("synced", ref=None)
        return self

    async def connect(self, *, receive_buffer: int = 0) -> Self:
        """Without a hello. With a small `receive_buffer` (bytes) a slow reader is soon behind."""
        server = self.person.server
        options: dict[str, Any] = {}
        if receive_buffer:
            options["sock"] = small = socket.socket()
            small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            small.connect(("127.0.0.1", server.port))
            options["max_queue"] = 1
        self._line = await connect(
            f"ws://127.0.0.1:{server.port}/ws/",
            origin=cast(Any, server.url),
            subprotocols=[cast(Any, "pneumatic.v1")],
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE,
            **options,
        )
        self.open_ones.add(self)
        return self

    async def say(self, kind: str, **fields: Any) -> None:
        await self.line.send(json.dumps({"type": kind, **fields}))

    async def send(self, group: str, body: str = "hello", id: str = "") -> dict[str, Any]:
        """Send a message; the `ack`, or the `error`."""
        message_id = id or str(uuid.uuid4())
        await self.say("message.send", ref=message_id, id=message_id, conversation=group, body=body)
        return await self.expect("ack", "error", ref=message_id)

    async def expect(self, *kinds: str, **fields: Any) -> dict[str, Any]:
        """The next frame of one of these types with these values."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for frame in self.frames:
                    if frame["type"] in kinds and all(
                        frame.get(name) == value for name, value in fields.items()
                    ):
                        self.frames.remove(frame)
                        return frame
                frame = json.loads(await self.line.recv())
                self.frames += frame["events"] if frame["type"] == "batch" else [frame]

    async def closed(self) -> int:
        """The close code that comes, after all that comes before."""
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    await self.line.recv()
            except ConnectionClosed:
                return self.line.close_code or 1006

    async def close(self) -> None:
        self.open_ones.discard(self)
        await self.line.close()

    async def abort(self) -> None:
        """Close it without a word: the server may be in any state."""
        self.open_ones.discard(self)
        self.line.transport.abort()
        await self.line.wait_closed()


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
