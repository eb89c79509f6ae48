"""What runs when everything runs, and when there are two minutes."""

from collections.abc import Callable, Mapping
from typing import Any

from bench.rig.stores import Stores
from bench.scenarios import connections, fanout, growth, latency, revocation, sends, sign_in, start
from pneumatic.loopback.processes import StartError

Scenario = Callable[..., dict[str, Any]]
SCENARIOS: dict[str, Scenario] = {
    "fanout": fanout.run,
    "latency": latency.one_to_one,
    "load": latency.under_load,
    "reconnects": latency.reconnects,
    "sends": sends.run,
    "connections": connections.run,
    "revocation": revocation.run,
    "sign-in": sign_in.run,
    "start": start.run,
    "rest": growth.rest,
    # Last: what it leaves in the kernel's caches is large.
    "growth": growth.run,
}

Plan = Mapping[str, Mapping[str, Any]]
#: Of each scenario's options, those that aren't its defaults. About 25 minutes on two cores.
FULL: Plan = {
    "fanout": {"seconds": 2.0},
    "latency": {},
    "load": {"seconds": 2.0},
    "reconnects": {},
    "sends": {},
    "connections": {},
    "revocation": {},
    "sign-in": {},
    "start": {},
    "rest": {},
    "growth": {"messages": (10_000, 1_000_000, 10_000_000)},
}
#: For every day: too short to be quoted, long enough to see what broke. Under two minutes.
QUICK: Plan = {
    "fanout": {
        "groups": (10, 100),
        "servers": ("pneumatic", "websockets", "raw"),
        "sockets": 200,
        "seconds": 1.0,
        "rounds": 1,
        "largest": 0,
    },
    "latency": {"pairs": 20, "seconds": 4.0, "rounds": 1},
    "sends": {"senders": (1, 64), "seconds": 1.0, "rounds": 1, "sqlite": False},
    "sign-in": {"tries": 20, "rounds": 1},
    "start": {"rounds": 1},
    "rest": {"messages": 21_000, "times": 20},
}


def run(
    stores: Stores, plan: Plan, tell: Callable[[str], None] = print
) -> tuple[dict[str, Any], dict[str, str]]:
    """The result of each scenario, and why some have none: the others go on."""
    results: dict[str, Any] = {}
    failures: dict[str, str] = {}
    for name, options in plan.items():
        tell(f"--- {name}")
        try:
            results[name] = SCENARIOS[name](stores, **options, tell=tell)
        except (RuntimeError, OSError, StartError) as error:
            failures[name] = str(error)
            tell(f"{name} failed: {error}")
    return results, failures
