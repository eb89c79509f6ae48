"""How long the server takes to start, and what it imports for that."""

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Any

from bench.rig import processes
from bench.rig.machine import ROOT
from bench.rig.ours import SERVE, Ours
from bench.rig.processes import kill
from bench.rig.stores import Stores

_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)")
_TOLD = 20


def run(stores: Stores, *, rounds: int = 5, tell: Callable[[str], None] = print) -> dict[str, Any]:
    """Seconds until it answers, of the second and later starts; imports by package."""
    with ExitStack() as stack:
        server = Ours(stack, stores, "start")
        server.seed(2, 2)
        times = []
        for _ in range(rounds + 1):
            begun = time.monotonic()
            started, _port = processes.start(
                server.folder, "start", SERVE, server.environment, health="/healthz"
            )
            times.append(round(time.monotonic() - begun, 3))
            kill(started)
        imports = _imports(server.environment)
    found = {"first_s": times[0], "ready_s": round(median(times[1:]), 3), "rounds": times[1:]}
    tell(f"ready after {found['ready_s']} s; imports {imports['total_ms']} ms: {imports['top']}")
    return {**found, "imports": imports}


def _imports(environment: dict[str, str]) -> dict[str, Any]:
    """Milliseconds of each package's own modules, slowest first (with the clock's own cost)."""
    load = "from channels.routing import get_default_application as a; a()"
    load = f"import django; django.setup(); {load}"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", load],
        cwd=ROOT,
        env={**environment, "PORT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    by_package: Counter[str] = Counter()
    modules = 0
    for line in done.stderr.splitlines():
        if found := _IMPORT.match(line):
            modules += 1
            by_package[found[3].partition(".")[0]] += int(found[1])
    top = {name: round(spent / 1000, 1) for name, spent in by_package.most_common(_TOLD)}
    return {"total_ms": round(by_package.total() / 1000, 1), "modules": modules, "top": top}
