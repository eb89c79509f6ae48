"""`python -m bench SCENARIO …`: see bench/README.md."""

import argparse
import inspect
import json
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.rig import stores
from bench.rig.machine import ROOT, describe
from bench.scenarios import connections, fanout, growth, latency, revocation, sends, start
from pneumatic.loopback.processes import make_folder

RESULTS = ROOT / "var" / "bench"
SCENARIOS: dict[str, Callable[..., dict[str, Any]]] = {
    "fanout": fanout.run,
    "latency": latency.one_to_one,
    "load": latency.under_load,
    "reconnects": latency.reconnects,
    "sends": sends.run,
    "connections": connections.run,
    "growth": growth.run,
    "rest": growth.rest,
    "revocation": revocation.run,
    "start": start.run,
}


def numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def floats(text: str) -> list[float]:
    return [float(each) for each in text.split(",")]


def words(text: str) -> list[str]:
    return text.split(",")


def parser() -> argparse.ArgumentParser:
    """A scenario's options are its function's keyword arguments, with their defaults."""
    found = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    scenarios = found.add_subparsers(dest="scenario", required=True)
    for name, function in SCENARIOS.items():
        one = scenarios.add_parser(name, help=(function.__doc__ or "").splitlines()[0])
        for option in inspect.signature(function).parameters.values():
            if option.kind is inspect.Parameter.KEYWORD_ONLY and option.name != "tell":
                _add(one, option.name, option.default)
    return found


def _add(one: argparse.ArgumentParser, name: str, default: Any) -> None:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(default, bool):
        one.add_argument(flag, action=argparse.BooleanOptionalAction, default=default)
        return
    first = default[0] if isinstance(default, tuple) else default
    kinds: dict[type, Callable[[str], Any]] = {int: int, float: float, str: str}
    if isinstance(default, tuple):
        kinds = {int: numbers, float: floats, str: words}
    one.add_argument(flag, type=kinds[type(first)], default=default, metavar=str(default))


def main() -> int:
    options = vars(parser().parse_args())
    scenario = options.pop("scenario")
    machine, begun = describe(), time.monotonic()
    folder = make_folder()
    try:
        with stores.running(folder) as running:
            result = SCENARIOS[scenario](running, **options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{scenario}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    found = {"machine": machine, "seconds": round(time.monotonic() - begun), scenario: result}
    file.write_text(json.dumps(found, indent=1) + "\n")
    print(f"Written: {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
