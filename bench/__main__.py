"""`python -m bench SCENARIO …`: see bench/README.md."""

import argparse
import inspect
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import plans
from bench.report import page
from bench.report.plots import all_plots
from bench.report.tables import all_tables
from bench.rig import stores
from bench.rig.machine import ROOT, describe
from pneumatic.loopback.processes import make_folder

RESULTS = ROOT / "var" / "bench"
PAGE = ROOT / "docs" / "performance.md"
_PLANS = {"all": plans.FULL, "quick": plans.QUICK}


def numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def floats(text: str) -> list[float]:
    return [float(each) for each in text.split(",")]


def words(text: str) -> list[str]:
    return text.split(",")


def parser() -> argparse.ArgumentParser:
    """A scenario's options are its function's keyword arguments, with their defaults."""
    found = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = found.add_subparsers(dest="command", required=True)
    for name, plan in _PLANS.items():
        one = commands.add_parser(name, help=f"these in turn: {', '.join(plan)}")
        one.add_argument("--only", type=words, default=list(plan), help="some of them: a,b")
    one = commands.add_parser("report", help="tables and plots of a run into docs/performance.md")
    one.add_argument("runs", type=Path, nargs="+", help="JSON files; later ones complete the first")
    for name, function in plans.SCENARIOS.items():
        one = commands.add_parser(name, help=(function.__doc__ or "").splitlines()[0])
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
    command = options.pop("command")
    if command == "report":
        return report(options["runs"])
    if command in _PLANS:
        plan = {name: _PLANS[command][name] for name in options["only"]}
    else:
        plan = {command: options}
    return measure(command, plan)


def measure(name: str, plan: plans.Plan) -> int:
    """Run a plan; write what came out of it. 1 where a scenario failed."""
    machine, begun = describe(), time.monotonic()
    folder = make_folder()
    try:
        with stores.running(folder) as running:
            machine["stores"] = running.versions()
            results, failures = plans.run(running, plan, tell=say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    run = {
        "machine": machine,
        "seconds": round(time.monotonic() - begun),
        "results": results,
        "failures": failures,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    file.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    tables = file.with_suffix(".md")
    tables.write_text(page.text(run), encoding="utf-8")
    for plot, svg in all_plots(results).items():
        (RESULTS / f"{file.stem}-{plot}.svg").write_text(svg, encoding="utf-8")
    say(f"\n{all_tables(run)['targets']}\n\n{run['seconds']} s. Written: {file}, {tables.name}")
    return 1 if failures else 0


def report(files: list[Path]) -> int:
    """What is quoted of one run, and of what was measured again."""
    first, *others = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    for run in others:
        first["results"] |= run["results"]
        first["seconds"] += run["seconds"]
    page.write(first, PAGE)
    return 0


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
