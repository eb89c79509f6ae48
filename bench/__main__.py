"""`python -m bench SCENARIO …`: see bench/README.md."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.rig import stores
from bench.rig.machine import ROOT, describe
from bench.scenarios import fanout, latency, sends
from pneumatic.loopback.processes import make_folder

RESULTS = ROOT / "var" / "bench"
_SCENARIOS: dict[str, Callable[..., dict[str, Any]]] = {
    "fanout": fanout.run,
    "latency": latency.run,
    "sends": sends.run,
}


def numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def words(text: str) -> list[str]:
    return text.split(",")


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    scenarios = found.add_subparsers(dest="scenario", required=True)
    one = scenarios.add_parser("fanout", help=fanout.__doc__)
    one.add_argument("--groups", type=numbers, default=[2, 10, 100, 1000])
    one.add_argument("--servers", type=words, default=list(fanout.ALL))
    one.add_argument("--sockets", type=int, default=1000)
    one.add_argument("--seconds", type=float, default=3.0)
    one.add_argument("--rounds", type=int, default=3)
    one = scenarios.add_parser("latency", help=latency.__doc__)
    one.add_argument("--pairs", type=int, default=50)
    one.add_argument("--rate", type=float, default=1.0, help="messages a second in each pair")
    one.add_argument("--processes", type=int, default=2, dest="processes_")
    one.add_argument("--seconds", type=float, default=10.0)
    one.add_argument("--rounds", type=int, default=3)
    one = scenarios.add_parser("sends", help=sends.__doc__)
    one.add_argument("--senders", type=numbers, default=[1, 64, 512])
    one.add_argument("--seconds", type=float, default=2.0)
    one.add_argument("--rounds", type=int, default=3)
    one.add_argument("--no-sqlite", action="store_false", dest="sqlite")
    return found


def main() -> int:
    options = vars(parser().parse_args())
    scenario = options.pop("scenario")
    machine = describe()
    folder = make_folder()
    try:
        with stores.running(folder) as running:
            result = _SCENARIOS[scenario](running, **options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{scenario}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    file.write_text(json.dumps({"machine": machine, "results": result}, indent=1) + "\n")
    print(f"Written: {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
