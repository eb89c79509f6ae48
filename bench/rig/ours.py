"""Our server with people: what most scenarios begin with."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from bench.rig import processes
from bench.rig.processes import Generator, kill
from bench.rig.stores import Stores, rows_of
from bench.seeding import hello

SERVE = (sys.executable, "manage.py", "serve")


class Ours:
    """Processes of ours on one database; ends with the stack that it was made on."""

    #: Rows of a message.
    copies = 1

    def __init__(
        self, stack: ExitStack, stores: Stores, name: str, *, count: int = 1, redis: bool = True
    ) -> None:
        # One of its own: two scenarios may mean the same by a name.
        self.folder = Path(mkdtemp(prefix=f"{name}-", dir=stores.folder))
        self._stack = stack
        self._count = count
        self.environment = processes.our_environment(
            self.folder,
            database_url=stores.new_database(),
            redis_url=stores.redis_number(1) if redis else "",
        )
        # All share one Redis; their channels and keys are apart.
        self.environment["REDIS_PREFIX"] = self.folder.name
        self.ports: list[int] = []
        self.pids: list[int] = []

    def seed(self, *numbers: int) -> list[dict[str, Any]]:
        """More people, and their devices; see `bench.seeding`."""
        arguments = [str(each) for each in numbers]
        seeded: list[dict[str, Any]] = processes.run(
            self.folder, "bench.seeding", arguments, self.environment
        )
        return seeded

    def serve(self) -> None:
        """Start the processes."""
        for number in range(self._count):
            server, port = processes.start(
                self.folder, f"ours-{number}", SERVE, self.environment, health="/healthz"
            )
            self._stack.callback(kill, server)
            self.ports.append(port)
            self.pids.append(server.process.pid)

    def generator(self, name: str, devices: Sequence[dict[str, Any]], group: int) -> Generator:
        """A generator with these devices, which connect to the processes in turn."""
        placed = [
            {**each, "hello": hello(each), "port": self.ports[n % len(self.ports)]}
            for n, each in enumerate(devices)
        ]
        plan = {"devices": placed, "group": group, "server_pids": self.pids}
        found = Generator(self.folder, name, plan)
        self._stack.callback(found.close)
        return found

    def stored(self) -> int:
        """Messages that are committed."""
        return rows_of(self.environment["DATABASE_URL"], "chat_message")


def opened(generator: Generator, number: int, **options: Any) -> dict[str, Any]:
    """Open all devices; raises `RuntimeError` where some can't be."""
    done = generator.ask("open", **{"at_once": 50, "seconds": 30.0, "settle": 60.0, **options})
    if done["sockets"] < number:
        raise RuntimeError(f"only {done['sockets']} of {number} sockets opened: {done}")
    return done


def interleaved(devices: Sequence[dict[str, Any]], group: int) -> list[dict[str, Any]]:
    """The first of every group, then the second …: neighbours write to different conversations."""
    return [each for first in range(group) for each in devices[first::group]]
