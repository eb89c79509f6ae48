"""Run every test there is, in four passes, and say plainly what ran and what couldn't.

    scripts/run_tests.py [sqlite] [browser] [services] [node]      (no name: all of them)

What this machine can't have (PostgreSQL, Redis, Chromium, Node) is named in a block at the end; the
rest runs. With `CI=true` it is an error. pytest's own options go into `PYTEST_ADDOPTS`.

Up to eight tests that fail in parallel with others are run once more, alone, and named in the
summary if they pass then: a crowded machine is no defect of ours, and a test that needs this is
one to be mended.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pneumatic.loopback.binaries import find_chromium  # noqa: E402
from pneumatic.testing import services  # noqa: E402

DATA = Path(os.environ.get("PNEUMATIC_DATA_DIR", ROOT / "var")).resolve()
RESULTS = DATA / "test"
ARTEFACTS = DATA / "artefacts"
WORKERS = os.environ.get("PYTEST_WORKERS", "2")
# With more failures than this the machine isn't the reason.
RUN_AGAIN = 8
# The last lines of `node --test`, in either of its formats.
NODE_COUNT = re.compile(r"^(?:#|ℹ) (tests|fail|skipped) (\d+)", re.MULTILINE)


@dataclass
class Pass:
    """How one pass ended: its counts, and what it had to leave out."""

    title: str
    failed: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    skips: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    #: Tests that failed, and passed alone.
    unsteady: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run_sqlite() -> Pass:
    """All but the browser's, with nothing but Python."""
    result = Pass("SQLite, in-memory layer")
    run_pytest(result, "sqlite", ["-m", "not e2e", *in_parallel()], without_services())
    return result


def run_browser() -> Pass:
    """The tests marked `e2e`. One process: two browsers on two cores are enough."""
    result = Pass("Chromium, SQLite")
    chromium = find_chromium()
    if chromium is None:
        result.missing.append("Chromium: set PNEUMATIC_CHROMIUM, or install `chromium`")
        return result
    environment = {**without_services(), "PNEUMATIC_CHROMIUM": str(chromium)}
    run_pytest(result, "browser", ["-m", "e2e"], environment)
    return result


def run_services() -> Pass:
    """All but the browser's again, on real services: those of the environment, or our own."""
    result = Pass("PostgreSQL, Redis")
    with services.running() as running:
        for name, source in running.sources.items():
            print(f"{name}: {source}", flush=True)
        result.missing = [f"{name}: {reason}" for name, reason in running.missing.items()]
        if not running.environment:
            return result
        result.title = " and ".join(running.sources)
        environment = {**without_services(), **running.environment}
        run_pytest(result, "services", ["-m", "not e2e", *in_parallel()], environment)
    return result


def run_node() -> Pass:
    """The browser client's own tests."""
    result = Pass("Node")
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        result.missing.append("Node: install Node 20 or newer with npm")
        return result
    process = subprocess.Popen(
        [npm, "test", "--silent"], cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    output = []
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    for line in process.stdout:
        output.append(line)
        # A line for each passed test is what nobody reads.
        if not re.match(r"\s*(✔|ok |---|\.\.\.|duration_ms|type:|# Subtest)", line):
            print(line, end="", flush=True)
    result.failed = process.wait() != 0
    result.counts.update({name: int(count) for name, count in NODE_COUNT.findall("".join(output))})
    if result.counts["skipped"]:
        result.skips["in Node"] = result.counts["skipped"]
    return result


PASSES: dict[str, Callable[[], Pass]] = {
    "sqlite": run_sqlite,
    "browser": run_browser,
    "services": run_services,
    "node": run_node,
}


def in_parallel() -> list[str]:
    """Options that spread tests over `PYTEST_WORKERS` processes; `0` keeps them in one."""
    return ["-n", WORKERS, "--dist", "loadgroup"] if WORKERS != "0" else []


def without_services() -> dict[str, str]:
    """This environment, less what would take a pass away from SQLite and the in-memory layer."""
    environment = dict(os.environ)
    environment.pop("REDIS_URL", None)
    if not environment.get("DATABASE_URL", "").startswith("sqlite"):
        environment.pop("DATABASE_URL", None)
    return environment


def run_pytest(result: Pass, name: str, options: list[str], environment: dict[str, str]) -> None:
    """Run pytest with a data folder of its own, and read its counts into `result`."""
    folder = RESULTS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {
        # One order of sets in all of xdist's workers: they must agree on the names of tests.
        "PYTHONHASHSEED": "0",
        **environment,
        "PNEUMATIC_DATA_DIR": str(folder),
        "PNEUMATIC_TEST_ARTEFACTS": str(ARTEFACTS),
    }
    cases, result.failed = _pytest(f"{name}.xml", options, environment)
    failed = [case for case in cases if _has_failed(case)]
    if result.failed and 0 < len(failed) <= RUN_AGAIN:
        print("\nOnce more, alone: were they only crowded out?", flush=True)
        alone = ["--last-failed", "--last-failed-no-failures=none", "-n", "0"]
        again, result.failed = _pytest(f"{name}-again.xml", [*options, *alone], environment)
        if not result.failed and len(again) == len(failed):
            result.unsteady = sorted(_name(case) for case in failed)
            failed = []
        else:
            result.failed = True
    result.counts.update(tests=len(cases), fail=len(failed))
    for case in cases:
        if (skipped := case.find("skipped")) is not None:
            result.counts["skipped"] += 1
            result.skips[skipped.get("message", "without a reason")] += 1


def _pytest(
    report: str, options: list[str], environment: dict[str, str]
) -> tuple[list[ElementTree.Element], bool]:
    """What its report says of each test, and whether anything failed."""
    path = RESULTS / report
    path.unlink(missing_ok=True)
    cache = f"cache_dir={environment['PNEUMATIC_DATA_DIR']}/pytest-cache"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-o", cache, f"--junitxml={path}", *options],
        cwd=ROOT,
        env=environment,
        check=False,
    )
    # Our own pytest wrote it a moment ago.
    suites: Iterable[ElementTree.Element] = (
        ElementTree.parse(path).getroot() if path.exists() else ()  # noqa: S314
    )
    # Where a test and its teardown fail, it is there twice.
    cases = {_name(case): case for suite in suites for case in _failed_last(suite)}
    return list(cases.values()), done.returncode != 0


def _failed_last(suite: ElementTree.Element) -> list[ElementTree.Element]:
    return sorted(suite.iter("testcase"), key=_has_failed)


def _has_failed(case: ElementTree.Element) -> bool:
    return case.find("failure") is not None or case.find("error") is not None


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def summary(passes: list[Pass]) -> str:
    """A line a pass, every reason to skip, and a loud block for what was missing."""
    lines = []
    for one in passes:
        ran = one.counts["tests"] - one.counts["skipped"]
        word = "FAILED" if one.failed else "ok" if ran else "NOT RUN"
        counts = f"{ran} ran, {one.counts['fail']} failed, {one.counts['skipped']} skipped"
        lines.append(f"{word:8} {one.title:26} {counts}, {one.seconds:.0f} s")
        lines += [f"{'':9}skipped {count}: {reason}" for reason, count in one.skips.items()]
        lines += [f"{'':9}UNSTEADY, failed and then passed alone: {name}" for name in one.unsteady]
    total = sum(one.counts["tests"] - one.counts["skipped"] for one in passes)
    lines.append(f"Tests run: {total}")

    missing = [reason for one in passes for reason in one.missing]
    if missing:
        bar = "!" * 78
        lines += ["", bar, "NOT EVERYTHING WAS TESTED. This machine lacks:"]
        lines += [f"  - {reason}" for reason in missing] + [bar]
    return "\n".join(lines)


def main(names: list[str]) -> int:
    """Run the passes named (none: all); 1 when one failed, or in CI lacked what it needs."""
    unknown = [name for name in names if name not in PASSES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are: {', '.join(PASSES)}", file=sys.stderr)
        return 2
    passes = []
    for name in names or PASSES:
        print(f"\n=== {name} ===", flush=True)
        start = time.monotonic()
        result = PASSES[name]()
        result.seconds = time.monotonic() - start
        passes.append(result)

    text = summary(passes)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "summary.txt").write_text(f"{text}\n")
    print(f"\n=== summary ===\n{text}")
    lacking = os.environ.get("CI") == "true" and any(one.missing for one in passes)
    return 1 if lacking or any(one.failed for one in passes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
