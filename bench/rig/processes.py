"""Server processes under test, and the generators that load them."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench.rig.machine import ROOT, cores, pinned
from pneumatic.loopback.processes import Server, free_port, start_server

#: Our own production settings, but for limits: numbers that no load here meets, so that the work of
#: counting is done. Tokens last as long as they can, which is longer than any scenario.
SETTINGS = {
    "PNEUMATIC_ENV": "production",
    "ALLOWED_HOSTS": "127.0.0.1",
    "HTTPS": "0",
    "HOST": "127.0.0.1",
    "ACCESS_TOKEN_MINUTES": "15",
    "RATE_LIMIT_PER_MINUTE": "100000000",
    "RATE_LIMIT_PER_HOUR": "1000000000",
    "ANONYMOUS_ATTEMPTS_PER_MINUTE": "100000000",
    "SOCKET_COMMANDS_PER_MINUTE": "100000000",
    "CONVERSATIONS_PER_DAY": "100000000",
    "MEMBERS_PER_DAY": "100000000",
    "SOCKETS_PER_USER": "1000000",
    "SOCKETS_PER_ADDRESS": "1000000",
    "SOCKETS_PER_PROCESS": "1000000",
}


def our_environment(folder: Path, *, database_url: str, redis_url: str) -> dict[str, str]:
    """The environment of our server's processes: these settings, and nothing of the shell's."""
    return {
        **base_environment(),
        **SETTINGS,
        "DJANGO_SETTINGS_MODULE": "pneumatic.settings",
        "PNEUMATIC_DATA_DIR": str(folder / "data"),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "JWT_SIGNING_KEY": secrets.token_urlsafe(50),
    }


def base_environment() -> dict[str, str]:
    """Where programs and this code are."""
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT)}


def start(
    folder: Path,
    name: str,
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    health: str = "",
) -> tuple[Server, int]:
    """Start a server on the server's core, and wait until it answers; it and its port.

    ``health`` is a path that answers 200; without, a connection is answer enough. Its environment
    comes from a file, because it holds secrets. Raises `StartError`.
    """
    port = free_port()
    file = folder / f"{name}-{port}.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({**environment, "PORT": str(port)}), encoding="utf-8")
    launch = ROOT / "pneumatic/proof/launch.py"
    with pinned(cores()[0]):
        server = start_server(
            [sys.executable, "-I", launch, file, *command],
            log=folder / f"{name}-{port}.log",
            account=None,
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGKILL,
            ready=partial(answers, port, health),
            seconds=60.0,
        )
    return server, port


def kill(server: Server) -> None:
    """End it at once: who measures has no use for a drain."""
    if server.process.poll() is None:
        server.process.kill()
        server.process.wait()


def run(
    folder: Path,
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    python: str = sys.executable,
) -> Any:
    """The JSON that a module prints. Raises `RuntimeError` with its complaint."""
    file = folder / f"{module}.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(dict(environment)), encoding="utf-8")
    launch = str(ROOT / "pneumatic/proof/launch.py")
    done = subprocess.run(
        [sys.executable, "-I", launch, str(file), python, "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


class Generator:
    """A load generator's process, on its own core; see `bench.generator.__main__`."""

    def __init__(self, folder: Path, name: str, plan: Mapping[str, Any]) -> None:
        file = folder / f"plan-{name}.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(plan), encoding="utf-8")
        with pinned(cores()[1]):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.generator", str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=ROOT,
                text=True,
            )

    def begin(self, do: str, **options: Any) -> None:
        """Give a command; `result` waits for what comes of it."""
        assert self._process.stdin  # noqa: S101
        self._process.stdin.write(json.dumps({"do": do, **options}) + "\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        assert self._process.stdout  # noqa: S101
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The generator ended with {self._process.wait()}.")
        result: dict[str, Any] = json.loads(line)
        return result

    def ask(self, do: str, **options: Any) -> dict[str, Any]:
        self.begin(do, **options)
        return self.result()

    def close(self) -> None:
        assert self._process.stdin  # noqa: S101
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def answers(port: int, health: str = "") -> bool:
    """Whether a server does on this port: 200 on the path ``health``, or by being there at all."""
    if not health:
        with socket.socket() as probe:
            probe.settimeout(2)
            return probe.connect_ex(("127.0.0.1", port)) == 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", health)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
