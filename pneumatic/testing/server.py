"""The whole server as `make run` starts it, for tests that come from outside: browsers, clients."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from pneumatic.loopback.processes import Server, StartError, free_port, start_server
from pneumatic.settings import BASE_DIR

# A port may be taken between our finding it free and the server's binding it.
ATTEMPTS = 3
# What would take it away from SQLite and the in-memory layer, or make it another than `make run`'s.
FOREIGN = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "JWT_SIGNING_KEY",
    "JWT_SIGNING_KEYS",
    "ALLOWED_HOSTS",
    "OIDC_ISSUER",
)
COMMAND_SECONDS = 60


class ChatServer:
    """`manage.py quickstart` on a free port, with its own data and without rate limits.

    ``environment`` holds further settings. It dies with the process that started it. Stopped and
    started again it has the same address and the same data.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = environment
        self.log = folder / "server.log"
        self.port = free_port()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """The origin, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises `StartError`, with the end of its log."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._server = start_server(
                    [*self._environment(), *_manage("quickstart")],
                    log=self.log,
                    account=None,
                    stop_signal=signal.SIGTERM,
                    death_signal=signal.SIGKILL,
                    ready=self.answers,
                )
            except StartError as error:
                if attempt == ATTEMPTS or "in use" not in str(error):
                    raise
                self.port = free_port()
            else:
                return

    def stop(self) -> None:
        """End it as `Ctrl-C` and deployments do: it may say goodbye."""
        if self._server is not None:
            self._server.stop()

    def crash(self) -> None:
        """End it as a power cut does: it says nothing to anybody."""
        if self._server is not None:
            self._server.process.kill()
            self._server.process.wait()

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def manage(self, *command: str, **environment: str) -> str:
        """Run another management command on its data; returns what it printed."""
        done = subprocess.run(
            [*self._environment(), *_manage(*command)],
            cwd=self.folder,
            env={**os.environ, **environment},
            check=True,
            timeout=COMMAND_SECONDS,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def _environment(self) -> list[str | Path]:
        own = {
            # pytest has named the settings of tests here, which would be another server's.
            "DJANGO_SETTINGS_MODULE": "pneumatic.settings",
            "PNEUMATIC_ENV": "development",
            "PNEUMATIC_DATA_DIR": str(self.folder / "data"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
            "LOG_FORMAT": "console",
            "RATE_LIMIT_PER_MINUTE": "0",
            "RATE_LIMIT_PER_HOUR": "0",
            "ANONYMOUS_ATTEMPTS_PER_MINUTE": "0",
            "SOCKET_COMMANDS_PER_MINUTE": "0",
            "CONVERSATIONS_PER_DAY": "0",
            "MEMBERS_PER_DAY": "0",
            "SOCKETS_PER_USER": "0",
            "SOCKETS_PER_ADDRESS": "0",
            **self.environment,
        }
        without = [part for name in FOREIGN for part in ("-u", name)]
        return ["/usr/bin/env", *without, *(f"{name}={value}" for name, value in own.items())]


def _manage(*command: str) -> list[str | Path]:
    return [sys.executable, BASE_DIR / "manage.py", *command]
