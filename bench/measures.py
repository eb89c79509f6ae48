"""Numbers from samples, and what the kernel knows of a process (Linux)."""

import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") / 1024


def percentile(ordered: Sequence[float], part: float) -> float | None:
    """The value that this part of the sorted values doesn't exceed (nearest rank); None of none."""
    if not ordered:
        return None
    return ordered[max(0, -int(-len(ordered) * part // 1) - 1)]


def spread(samples: Collection[float], scale: float = 1.0) -> dict[str, float]:
    """What one wants to know of many durations, each multiplied by ``scale``."""
    ordered = sorted(samples)
    if not ordered:
        return {"n": 0}
    parts = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    found = {name: percentile(ordered, part) or 0.0 for name, part in parts.items()}
    return {"n": len(ordered), **{name: round(each * scale, 3) for name, each in found.items()}}


def medians(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One result from several of the same shape: the median of each number, the first of the rest.

    Numbers that some of them lack are the median of those that have them.
    """
    found: dict[str, Any] = {}
    for key in dict.fromkeys(key for run in runs for key in run):
        values = [run[key] for run in runs if run.get(key) is not None]
        if values and all(isinstance(each, dict) for each in values):
            found[key] = medians(values)
        elif values and all(type(each) in (int, float) for each in values):
            found[key] = round(float(median(values)), 4)
        else:
            found[key] = values[0] if values else None
    return found


class Usage(NamedTuple):
    """What processes have used by now, threads included; waits are those of main threads."""

    at: float
    cpu: float
    #: Seconds in which it could have run and another process had the core.
    waited: float
    rss_kib: float


def usage(pids: Collection[int | str]) -> Usage:
    """The sum of these processes. Raises `OSError` when one is gone."""
    cpu = waited = rss = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        cpu += (int(fields[11]) + int(fields[12])) / _TICKS
        rss += int(fields[21]) * _PAGE_KIB
        waited += int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return Usage(time.monotonic(), cpu, waited, rss)


def children(pid: int) -> list[int]:
    """The processes that it has started and that are still there."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found
