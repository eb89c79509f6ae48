"""A production server of a test's own, as a process."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import httpx

from pneumatic.loopback.processes import Server, free_port, start_server
from pneumatic.settings import BASE_DIR

#: Of an answer, or of a frame: bounds for what is broken.
PATIENCE = 40.0
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
