"""Run every check that isn't a test: one line each, and the output of those that fail.

scripts/run_checks.py [name …]      (no name: all of them)
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
MANAGE = [sys.executable, "manage.py"]
# Two: the machines of CI have two cores, and the slow ones (types) come first.
AT_ONCE = 2


@dataclass(frozen=True)
class Check:
    """A named command that must end with 0. `program` is what it can't run without."""

    name: str
    command: Sequence[str | Path]
    program: str | Path = sys.executable


CHECKS = [
    Check("types of Python (mypy --strict)", [TOOLS / "mypy"], TOOLS / "mypy"),
    Check(
        "types of JavaScript (tsc)",
        ["npm", "run", "--silent", "typecheck"],
        ROOT / "node_modules/.bin/tsc",
    ),
    # Also a part of `make test`: here it shows within seconds that the two languages still agree.
    Check("the browser's code in Node (node --test)", ["npm", "test", "--silent"], "npm"),
    Check("format (ruff)", [TOOLS / "ruff", "format", "--check", "--quiet", "."]),
    Check(
        "lint and security rules (ruff)",
        [TOOLS / "ruff", "check", "--quiet", "--output-format=concise", "."],
    ),
    Check("floors (import-linter)", [TOOLS / "lint-imports", "--no-cache", "--no-logo"]),
    Check("Django system checks", [*MANAGE, "check", "--fail-level", "WARNING"]),
    Check("migrations are complete", [*MANAGE, "makemigrations", "--check", "--dry-run"]),
    Check("generated protocol is fresh", [*MANAGE, "export_protocol", "--check"]),
    Check(
        "OpenAPI schema is valid",
        [*MANAGE, "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull],
    ),
    Check("lock files", [sys.executable, "scripts/check_locks.py"]),
    Check("YAML (yamllint)", [TOOLS / "yamllint", "--strict", "."]),
    Check("Dockerfile (hadolint)", [TOOLS / "hadolint", "Dockerfile"], TOOLS / "hadolint"),
]


@dataclass(frozen=True)
class Outcome:
    """How one check ended. `missing` is set when its program isn't here."""

    check: Check
    failed: bool
    output: str
    seconds: float
    missing: bool = False


def run(check: Check, environment: dict[str, str]) -> Outcome:
    """Run one check to its end, with its output caught."""
    if shutil.which(check.program) is None:
        in_ci = os.environ.get("CI") == "true"
        return Outcome(check, in_ci, f"{check.program} is not installed", 0.0, missing=True)
    start = time.monotonic()
    done = subprocess.run(
        [str(part) for part in check.command],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(check, done.returncode != 0, done.stdout, time.monotonic() - start)


def main(names: list[str]) -> int:
    """Run the checks whose names contain one of `names` (none: all), two at a time."""
    chosen = [check for check in CHECKS if not names or any(name in check.name for name in names)]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="pneumatic-check-") as data:
        # The same on every machine: the settings' defaults, and nobody's data.
        environment = {**os.environ, "PNEUMATIC_DATA_DIR": data, "PNEUMATIC_ENV": "development"}
        for variable in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"):
            environment.pop(variable, None)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for future in as_completed([pool.submit(run, one, environment) for one in chosen]):
                outcome = future.result()
                outcomes.append(outcome)
                word = "FAILED" if outcome.failed else "NOT RUN" if outcome.missing else "ok"
                print(f"{word:8} {outcome.check.name:40} {outcome.seconds:5.1f} s", flush=True)

    failed = [outcome for outcome in outcomes if outcome.failed]
    for outcome in [*failed, *(one for one in outcomes if one.missing and not one.failed)]:
        command = " ".join(str(part) for part in outcome.check.command)
        print(f"\n--- {outcome.check.name}: {command}\n{outcome.output.rstrip()}")
    print(f"\nChecks run: {len(outcomes)}, failed: {len(failed)}")
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
