"""How long a message takes from one person to another, at an easy pace and at many paces."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from bench.measures import medians
from bench.rig.ours import Ours, interleaved, opened
from bench.rig.prosody import Prosody, find_prosody
from bench.rig.stores import Stores
from bench.scenarios.fanout import open_crowd, saturate

#: Parts of the saturation rate at which latency is measured; the target is about the half.
PARTS = (0.1, 0.25, 0.5, 0.75, 0.9)


def one_to_one(
    stores: Stores,
    *,
    pairs: int = 50,
    rate: float = 1.0,
    count: int = 2,
    seconds: float = 10.0,
    rounds: int = 3,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """``rate`` messages a second in each pair: ours on different processes, and those of Prosody.

    By server, the median of the rounds. Prosody is None where it isn't installed. Raises
    `RuntimeError` where a message wasn't stored: then they are not comparable.
    """
    with ExitStack() as stack:
        ours = Ours(stack, stores, f"pairs-{pairs}", count=count)
        devices = ours.seed(2 * pairs, 2)
        ours.serve()
        # Neighbours are a pair, and on different processes.
        servers: dict[str, Ours | Prosody] = {"pneumatic": ours}
        generators = {"pneumatic": ours.generator("pairs", devices, 2)}
        if program := find_prosody():
            prosody = Prosody(stack, stores, program, people=2 * pairs)
            servers["prosody"], generators["prosody"] = prosody, prosody.generator()
        else:
            tell("one to one: Prosody is not installed, see bench/README.md")
        for generator in generators.values():
            opened(generator, 2 * pairs, at_once=20)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in servers}
        for _ in range(rounds):
            # In turn, so that what else the machine does hits both alike.
            for name, generator in generators.items():
                done = generator.ask("run", seconds=seconds, warm=2.0, rate=pairs * rate)
                runs[name].append(done)
                tell(f"one to one, {name}: {done['latency_ms']}  {done['limit']}")
        for name, server in servers.items():
            check_stored(name, server, sum(each["sent"] for each in runs[name]))
        found: dict[str, Any] = {
            name: {**medians(each), "rounds": [done["latency_ms"] for done in each]}
            for name, each in runs.items()
        }
        if program:
            found["prosody"]["version"] = prosody.version
        return {"prosody": None, **found}


def check_stored(name: str, server: Ours | Prosody, sent: int) -> None:
    """Raises `RuntimeError` where the database holds others than so many messages."""
    stored = server.stored()
    if stored != sent * server.copies:
        raise RuntimeError(f"{name} stored {stored} rows of {sent} messages")


def under_load(
    stores: Stores,
    *,
    groups: Sequence[int] = (2, 10, 100, 1000),
    sockets: int = 1000,
    seconds: float = 3.0,
    parts: Sequence[float] = PARTS,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """By size of the group: how much one process of ours can do, and latency at parts of that."""
    found: dict[str, Any] = {}
    for group in groups:
        number = max(group, sockets)
        with ExitStack() as stack:
            crowd = open_crowd(stack, stores, "pneumatic", number, group)
            assert crowd is not None  # noqa: S101  # only others can be missing
            most = saturate(crowd, group, seconds=seconds)
            points = []
            for part in parts:
                rate = max(0.2, part * most["sends_per_s"])
                sample = max(1, int(rate * group * seconds / 50_000))
                done = crowd.generator.ask("run", seconds=seconds, rate=rate, sample=sample)
                points.append({"part": part, "rate": round(rate, 1), **done})
                tell(
                    f"groups of {group}: {part:.0%} = {rate:,.1f} messages/s,"
                    f" {done['deliveries_per_s']:,.0f} deliveries/s: {done['latency_ms']}"
                )
            found[str(group)] = {"saturation": most, "points": points}
    return found


def reconnects(
    stores: Stores,
    *,
    devices: int = 1000,
    pairs: int = 50,
    rate: float = 4.0,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """How people who stay fare while ``devices`` others lose their sockets and all come back.

    Those are each in five groups of ten, come at the same moment, and wait as clients must where
    they are told to come later.
    """
    with ExitStack() as stack:
        server = Ours(stack, stores, f"storm-{devices}")
        others = server.seed(devices, 10, 5)
        bystanders = interleaved(server.seed(2 * pairs, 2), 2)
        server.serve()
        crowd = server.generator("crowd", others, 10)
        calm = server.generator("bystanders", bystanders, 2)
        first = opened(crowd, devices)
        opened(calm, 2 * pairs)
        quiet = calm.ask("run", seconds=5.0, rate=pairs * rate)
        calm.begin("run", seconds=first["seconds"] + 8.0, warm=1.0, rate=pairs * rate)
        crowd.ask("close")
        # Meanwhile the bystanders' messages are measured.
        again = crowd.ask("open", at_once=devices, seconds=30.0, attempts=12, settle=0.0)
        during = calm.result()
    tell(f"{devices} reconnect in {again['seconds']} s: others {during['latency_ms']}")
    return {"before": quiet, "during": during, "reconnect": again}
