"""How long a message takes from one person to another, over two processes, at an easy pace."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from bench.measures import medians
from bench.rig import processes
from bench.rig.processes import Generator, kill
from bench.rig.stores import Stores
from bench.scenarios.fanout import interleaved
from bench.seeding import hello


def run(
    stores: Stores,
    *,
    pairs: int = 50,
    rate: float = 1.0,
    processes_: int = 2,
    seconds: float = 10.0,
    rounds: int = 3,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """``rate`` messages a second in each pair, whose two are on different processes."""
    with ExitStack() as stack:
        generator = open_pairs(stack, stores, pairs=pairs, count=processes_)
        runs = [
            generator.ask("run", seconds=seconds, warm=2.0, rate=pairs * rate)
            for _ in range(rounds)
        ]
        for done in runs:
            tell(f"one to one: {done['latency_ms']}  ack {done['ack_ms']}  {done['limit']}")
        return {"latency": {**medians(runs), "rounds": [each["latency_ms"] for each in runs]}}


def open_pairs(stack: ExitStack, stores: Stores, *, pairs: int, count: int) -> Generator:
    """People in twos, connected to ``count`` processes of ours in turn."""
    folder = stores.folder / f"pairs-{pairs}"
    folder.mkdir()
    environment = processes.our_environment(
        folder, database_url=stores.new_database(), redis_url=stores.redis_number(4)
    )
    seeded = processes.run(folder, "bench.seeding", [str(2 * pairs), "2"], environment)
    serve = [sys.executable, "manage.py", "serve"]
    started = [
        processes.start(folder, f"ours-{n}", serve, environment, health="/healthz")
        for n in range(count)
    ]
    for server, _ in started:
        stack.callback(kill, server)
    devices = [
        {**each, "hello": hello(each), "port": started[n % count][1]}
        for n, each in enumerate(seeded)
    ]
    plan = {
        "devices": interleaved(devices, 2),
        "group": 2,
        "server_pids": [server.process.pid for server, _ in started],
    }
    generator = Generator(folder, "pairs", plan)
    stack.callback(generator.close)
    opened = generator.ask("open", at_once=20, seconds=30.0)
    if opened["sockets"] < 2 * pairs:
        raise RuntimeError(f"only {opened['sockets']} of {2 * pairs}: {opened}")
    return generator
