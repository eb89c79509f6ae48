"""A cluster of its own in a temporary folder: PostgreSQL, Redis, server processes, on loopback.

Everything starts in one thread that lives as long as the cluster: the kernel ends a child when the
thread that started it ends.
"""

import asyncio
import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from pneumatic.loopback.processes import Server, StartError, free_port, make_folder, start_server
from pneumatic.proof.people import Cast
from pneumatic.proof.stores import Stores

P = ParamSpec("P")
T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
#: Seconds that a process may take to start, and to drain before it is killed.
START_SECONDS = 60.0
TERM_SECONDS = 25.0


class Cluster:
    """The stores and the server processes; each can be hurt and healed by itself."""

    def __init__(
        self, *, postgres: bool, processes: int, token_minutes: int = 10, sabotage: str = ""
    ) -> None:
        self.folder = make_folder()
        self.stores = Stores(self.folder, postgres=postgres)
        self.ports: list[int] = []
        self.processes: list[Server | None] = [None] * processes
        self._token_minutes = token_minutes
        self._sabotage = sabotage
        self._environment: dict[str, str] = {}
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="cluster")

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of the cluster or its stores beside the event loop; one at a time."""
        call = partial(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._keeper, call)

    def start(self, *, seed: int, people: int, devices: int, groups: int) -> Cast:
        """Start the stores, make the people, start the processes. Raises `StartError`."""
        self.stores.start()
        self.ports = [free_port() for _ in self.processes]
        self._environment = self._make_environment()
        file = self._private_environment("people.json", {})
        done = subprocess.run(
            [
                *self._launch(file, "-m", "pneumatic.proof.people"),
                *(str(number) for number in (seed, people, devices, groups)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StartError(f"The people could not be made:\n{done.stderr[-2000:]}")
        for number in range(len(self.processes)):
            self.start_process(number)
        return Cast.from_json(done.stdout)

    def close(self) -> None:
        """End everything and remove its data."""
        self._keeper.submit(self._stop).result()
        self._keeper.shutdown()

    def _stop(self) -> None:
        for number in range(len(self.processes)):
            self.kill(number)
        self.stores.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- Server processes -----------------------------------------------------------------------

    def start_process(self, number: int) -> None:
        """Start a process on its own port, and wait until it serves."""
        port = self.ports[number]
        file = self._private_environment(f"process-{number}.json", {"PORT": str(port)})
        what = ["-m", "pneumatic.proof.sabotage", self._sabotage]
        self.processes[number] = start_server(
            self._launch(file, *(what if self._sabotage else ["manage.py", "serve"])),
            log=self.folder / f"process-{number}.log",
            account=None,
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGKILL,
            ready=partial(_serves, port),
            seconds=START_SECONDS,
        )

    def kill(self, number: int) -> None:
        """SIGKILL, for the process and whatever it started."""
        self.signal(number, signal.SIGKILL)
        self._gone(number, START_SECONDS)

    def terminate(self, number: int) -> float:
        """SIGTERM; returns the seconds until the process had ended. One that won't is killed."""
        began = time.monotonic()
        process = self.processes[number]
        if process is not None:
            process.process.terminate()
            if not self._gone(number, TERM_SECONDS):
                self.kill(number)
        return time.monotonic() - began

    def signal(self, number: int, what: signal.Signals) -> None:
        """Signal a process and whatever it started; harmless where it is gone."""
        process = self.processes[number]
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.process.pid, what)

    def log_tail(self) -> str:
        """The last that each process said."""
        logs = (self.folder / f"process-{number}.log" for number in range(len(self.processes)))
        return "\n".join(each.read_text(errors="replace")[-1500:] for each in logs)

    def _gone(self, number: int, seconds: float) -> bool:
        process = self.processes[number]
        if process is None:
            return True
        try:
            process.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.signal(number, signal.SIGKILL)
        self.processes[number] = None
        return True

    # --- Their environment ----------------------------------------------------------------------

    def _make_environment(self) -> dict[str, str]:
        origins = [f"http://127.0.0.1:{port}" for port in self.ports]
        # Nothing of ours but where programs are: what else is set here is not to be tested.
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "pneumatic.settings",
            "PNEUMATIC_ENV": "production",
            "PNEUMATIC_DATA_DIR": str(self.folder / "data"),
            "PROOF_DATABASE": self.stores.database,
            "DATABASE_URL": self.stores.database_url,
            "REDIS_URL": self.stores.redis_url,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "JWT_SIGNING_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1",
            "ALLOWED_ORIGINS": ",".join(origins),
            "HTTPS": "0",
            "HOST": "127.0.0.1",
            "WEB_CONCURRENCY": "1",
            "LOG_LEVEL": "WARNING",
            "ACCESS_TOKEN_MINUTES": str(self._token_minutes),
            "RATE_LIMIT_PER_MINUTE": "0",
            "RATE_LIMIT_PER_HOUR": "0",
            "ANONYMOUS_ATTEMPTS_PER_MINUTE": "0",
            "SOCKET_COMMANDS_PER_MINUTE": "0",
            "CONVERSATIONS_PER_DAY": "0",
            "MEMBERS_PER_DAY": "0",
            "SOCKETS_PER_USER": "0",
            "SOCKETS_PER_ADDRESS": "0",
        }

    def _private_environment(self, name: str, more: dict[str, str]) -> Path:
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(json.dumps({**self._environment, **more}), encoding="utf-8")
        return file

    @staticmethod
    def _launch(file: Path, *arguments: str) -> list[str]:
        launch = str(ROOT / "pneumatic/proof/launch.py")
        return [sys.executable, "-I", launch, str(file), sys.executable, *arguments]


def _serves(port: int) -> bool:
    """Whether the process answers; not whether its stores do, which a fault may have taken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
