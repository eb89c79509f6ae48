"""The machine, what runs on it, and who gets which core."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: The whole of the bench's own environment; absent, scenarios leave out what needs it.
BENCH_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
_PACKAGES = (
    *("django", "channels", "channels-redis", "uvicorn", "uvloop", "websockets", "psycopg"),
    *("redis", "hiredis", "msgspec"),
)
_BENCH_PACKAGES = ("fastapi", "sqlalchemy", "asyncpg", "uvicorn", "uvloop")


def cores() -> tuple[set[int], set[int]]:
    """The server's core and the generator's; on a machine of one, the same."""
    here = sorted(os.sched_getaffinity(0))
    return {here[0]}, {here[-1]}


@contextmanager
def pinned(to: set[int]) -> Iterator[None]:
    """What is started within stays on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, to)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def describe() -> dict[str, Any]:
    """What a figure needs beside it to mean something."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
        "commit": _says(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_average": [round(each, 2) for each in os.getloadavg()],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "bench_packages": _bench_versions(),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _bench_versions() -> dict[str, str]:
    if not BENCH_PYTHON.exists():
        return {}
    ask = "import sys; from importlib.metadata import version as v; print(*map(v, sys.argv[1:]))"
    said = _says([str(BENCH_PYTHON), "-c", ask, *_BENCH_PACKAGES]).split()
    return dict(zip(_BENCH_PACKAGES, said, strict=False))


def _says(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
