"""Messages committed a second, and how long each waits for it: our path and the others'."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from bench.measures import medians
from bench.rig import processes
from bench.rig.machine import cores, pinned
from bench.rig.stores import Stores

ON_POSTGRES = ("ours", "orm", "statement")
ON_SQLITE = ("ours", "single")


def run(
    stores: Stores,
    *,
    senders: Sequence[int] = (1, 64, 512),
    seconds: float = 2.0,
    rounds: int = 3,
    sqlite: bool = True,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """By database, number of senders and path; see `bench.writing` for what the paths are."""
    postgres = processes.our_environment(
        _folder(stores, "sends"),
        database_url=stores.new_database(),
        redis_url=stores.redis_number(5),
    )
    found = {"postgres": _measure(stores, "postgres", postgres, senders, seconds, rounds, tell)}
    if sqlite:
        folder = _folder(stores, "sends-sqlite")
        lite = processes.our_environment(folder, database_url="", redis_url="")
        found["sqlite"] = _measure(stores, "sqlite", lite, [1, 64], seconds, rounds, tell)
    return found


def _folder(stores: Stores, name: str) -> Any:
    folder = stores.folder / name
    folder.mkdir()
    return folder


def _measure(
    stores: Stores,
    database: str,
    environment: dict[str, str],
    senders: Sequence[int],
    seconds: float,
    rounds: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    paths = ON_POSTGRES if database == "postgres" else ON_SQLITE
    arguments = [",".join(paths), ",".join(map(str, senders)), str(seconds), str(rounds)]
    with pinned(cores()[0] if len(os.sched_getaffinity(0)) > 1 else cores()[1]):
        measured = processes.run(stores.folder, "bench.writing", arguments, environment)
    found: dict[str, Any] = {}
    for number, by_path in measured.items():
        for path, runs in by_path.items():
            each = found.setdefault(number, {})[path] = medians(runs)
            each["rounds"] = [one["per_s"] for one in runs]
            tell(f"{database}: {number} senders, {path}: {each['per_s']:,.0f}/s {each['ms']}")
    return found
