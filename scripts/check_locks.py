"""Are the lock files complete, hashed, in step with the `.in` files, and free of host names?

Prints what is wrong, one line each; the exit status is 1 then.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements", "requirements-dev", "requirements-uv")
# An address or option that would send another machine to a registry that only this one knows.
FOREIGN = re.compile(r"://|^--(?:index-url|extra-index-url|find-links|trusted-host)| @ |^-[ief] ")
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)")


def pins(text: str) -> dict[str, str]:
    """Normalised name → version of each `name==version` line."""
    found = (REQUIREMENT.match(line) for line in text.splitlines())
    return {re.sub(r"[-_.]+", "-", m[1]).lower(): m[2] for m in found if m}


def problems(source: str, lock: str) -> Iterator[str]:
    """What is wrong with the text of a lock, `lock`, made from the text of a `.in`, `source`."""
    for number, line in enumerate(lock.splitlines(), start=1):
        if FOREIGN.search(line):
            yield f"line {number} names a host or a place: {line.strip()}"
    for line in source.splitlines():
        stated = line.split("#")[0].strip()
        if stated and not stated.startswith("-") and not REQUIREMENT.match(stated):
            yield f"is not pinned to one version: {stated}"
    locked = pins(lock)
    for name, version in pins(source).items():
        if locked.get(name) != version:
            found = locked.get(name)
            yield f"{name} is asked for as {version} and locked as {found}: run `make lock`"
    for block in re.split(r"\n(?=\S)", lock.strip()):
        if "--hash=sha256:" not in block:
            yield f"has no hash: {block.splitlines()[0]}"


def main() -> int:
    """Check every pair; 1 when anything is wrong."""
    wrong = [
        f"{name}.txt {problem}"
        for name in LOCKS
        for problem in problems(
            (ROOT / f"{name}.in").read_text(), (ROOT / f"{name}.txt").read_text()
        )
    ]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
