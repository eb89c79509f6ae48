"""How many deliveries a second, by the size of a group: ours with everything on, and the others."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from bench.measures import medians
from bench.rig import processes
from bench.rig.machine import BENCH_PYTHON
from bench.rig.ours import Ours, interleaved, opened
from bench.rig.processes import Generator, kill
from bench.rig.stores import Stores

#: In the order in which they take their turns.
SERVERS = ("pneumatic", "channels-memory", "channels-redis", "django", "websockets", "fastapi")
ALL = (*SERVERS, "raw")
_STORING = {"django", "fastapi"}
_LARGE = {"pneumatic", "websockets", "raw"}
#: Messages of a conversation on their way at once, where that isn't too many in all.
IN_EACH = 20


class Crowd(NamedTuple):
    """A server that runs, and the devices that are connected to it."""

    name: str
    generator: Generator
    opened: dict[str, Any]


def run(
    stores: Stores,
    *,
    groups: Sequence[int] = (2, 10, 100, 1000),
    servers: Sequence[str] = ALL,
    sockets: int = 1000,
    seconds: float = 3.0,
    rounds: int = 3,
    largest: int = 10_000,
    in_each: int = IN_EACH,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """By size of the group and by server: what `Load.run` measured, the median of the rounds.

    Last comes one group of ``largest`` (0: none), once, of who gets so many sockets open in
    reasonable time. ``in_each`` is how many messages of a conversation are on their way at once.
    """
    results = _measured(stores, groups, servers, sockets, seconds, rounds, in_each, tell)
    some = [each for each in servers if each in _LARGE]
    if largest and some:
        results |= _measured(stores, [largest], some, largest, seconds, 1, in_each, tell)
    return results


def _measured(
    stores: Stores,
    groups: Sequence[int],
    servers: Sequence[str],
    sockets: int,
    seconds: float,
    rounds: int,
    in_each: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for group in groups:
        number = max(group, sockets)
        with ExitStack() as stack:
            crowds = [
                crowd
                for name in servers
                if (crowd := open_crowd(stack, stores, name, number, group)) is not None
            ]
            runs: dict[str, list[dict[str, Any]]] = {each.name: [] for each in crowds}
            for turn in range(rounds):
                # In turn, so that what else the machine does hits all alike.
                for crowd in crowds:
                    done = saturate(crowd, group, seconds=seconds, in_each=in_each)
                    runs[crowd.name].append(done)
                    tell(_line(group, crowd.name, turn, done))
            for crowd in crowds:
                found = medians(runs[crowd.name])
                found["rounds"] = [each["deliveries_per_s"] for each in runs[crowd.name]]
                found["opened"] = crowd.opened
                results.setdefault(str(group), {})[crowd.name] = found
    return results


def saturate(crowd: Crowd, group: int, *, seconds: float, in_each: int = IN_EACH) -> dict[str, Any]:
    """As fast as the server can.

    Enough messages are on their way at once to keep every server busy, not more; as many in each
    conversation, whatever its size, since what is compared is the size. Who stores statement by
    statement gets no faster by more of them, only slower to answer.
    """
    conversations = crowd.opened["sockets"] // group
    window = min(conversations * in_each, 64 if crowd.name in _STORING else 256)
    # About every twentieth delivery carries a time, and of few messages all do.
    sample = max(1, min(20, 2000 // group))
    return crowd.generator.ask("run", seconds=seconds, window=window, sample=sample)


def open_crowd(
    stack: ExitStack, stores: Stores, name: str, number: int, group: int
) -> Crowd | None:
    """Start a server and connect its devices; None where its environment isn't there."""
    if name == "fastapi" and not BENCH_PYTHON.exists():
        return None
    if name == "pneumatic":
        server = Ours(stack, stores, f"ours-{number}-{group}")
        devices = interleaved(server.seed(number, group), group)
        server.serve()
        generator = server.generator(name, devices, group)
    else:
        generator = _reference(stack, stores, name, number, group)
    return Crowd(name, generator, opened(generator, number))


def _reference(stack: ExitStack, stores: Stores, name: str, number: int, group: int) -> Generator:
    folder = stores.folder / f"{name}-{number}-{group}"
    folder.mkdir()
    module, python, environment = _recipe(stores, name)
    conversations = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(number // group)]
    if name in _STORING:
        arguments = ["setup", str(number // group), str(group)]
        conversations = processes.run(folder, module, arguments, environment, python=python)
    server, port = processes.start(folder, name, [python, "-m", module], environment)
    stack.callback(kill, server)
    devices = [
        {"port": port, "path": f"/ws/{conversation}/{member}/", "conversation": conversation}
        for member in range(group)
        for conversation in conversations
    ]
    plan = {"devices": devices, "group": group, "acks": False, "server_pids": [server.process.pid]}
    generator = Generator(folder, name, plan)
    stack.callback(generator.close)
    return generator


def _recipe(stores: Stores, name: str) -> tuple[str, str, dict[str, str]]:
    """A reference's module, Python and environment."""
    base, python = processes.base_environment(), sys.executable
    match name:
        case "channels-memory":
            return "bench.references.naive_channels", python, base
        case "channels-redis":
            more = {"REDIS_URL": stores.redis_number(2)}
            return "bench.references.naive_channels", python, {**base, **more}
        case "django":
            more = {"REDIS_URL": stores.redis_number(3), "DATABASE_URL": stores.new_database()}
            return "bench.references.naive_channels", python, {**base, **more}
        case "fastapi":
            more = {"DATABASE_URL": stores.new_database()}
            return "bench.references.fastapi_loop", str(BENCH_PYTHON), {**base, **more}
        case "websockets":
            return "bench.references.plain_websockets", python, base
        case "raw":
            return "bench.references.raw_loop", python, base
    raise ValueError(name)


def _line(group: int, name: str, turn: int, done: dict[str, Any]) -> str:
    p99 = done["latency_ms"].get("p99", 0)
    return (
        f"groups of {group:6} {name:16} round {turn + 1}: {done['deliveries_per_s']:10,.0f} /s"
        f"  p99 {p99:8.1f} ms  {done['server_ms_per_1000'] or 0:7.2f} ms CPU/1000"
        f"  limit: {done['limit']}  missing {done['missing']}  errors {done['errors']}"
    )
