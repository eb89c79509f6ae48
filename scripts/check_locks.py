"""Are the lock files complete, hashed, in step with the `.in` files, and free of host names?

And is every version in them newer than the known holes of its package?

Prints what is wrong, one line each; the exit status is 1 then.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements", "requirements-bench", "requirements-dev", "requirements-uv")
# An address or option that would send another machine to a registry that only this one knows.
FOREIGN = re.compile(r"://|^--(?:index-url|extra-index-url|find-links|trusted-host)| @ |^-[ief] ")
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)")


#: The first version without the hole, of packages that had one that would concern us.
FLOORS = {
    "authlib": ("1.6.9", "CVE-2026-27962, CVE-2026-28802: tokens signed by anybody, or nobody"),
    "autobahn": ("26.7.1", "CVE-2026-77528: frames that unfold beyond every limit"),
    "certifi": ("2024.7.4", "CVE-2024-39689: an authority no longer trusted"),
    "cryptography": ("50.0.0", "CVE-2026-69247, CVE-2026-39892: an oracle, reads beyond buffers"),
    "daphne": ("4.2.2", "CVE-2026-44545, CVE-2026-44546: endless messages, smuggled headers"),
    "django": ("5.2.18", "CVE-2026-84429, CVE-2025-14550: quadratic time over headers"),
    "djangorestframework": ("3.17.2", "CVE-2026-73228: bodies larger than the limit are read"),
    "djangorestframework-simplejwt": ("5.5.1", "CVE-2024-22513: tokens of the suspended"),
    "h11": ("0.16.0", "CVE-2025-43859: request smuggling by chunks"),
    "idna": ("3.7", "CVE-2024-3651: quadratic time"),
    "joserfc": ("1.7.6", "CVE-2026-75509, CVE-2026-119284: foreign issuers, tokens of any size"),
    "protobuf": ("6.31.1", "CVE-2025-4565: endless recursion"),
    "pyjwt": (
        "2.14.0",
        "CVE-2026-32597, CVE-2026-48526: headers not understood, public keys as secrets",
    ),
    "pyopenssl": ("26.0.0", "CVE-2026-27448, CVE-2026-27459: callbacks that fail open"),
    "redis": ("4.5.4", "CVE-2023-28859: answers to somebody else's command"),
    "requests": ("2.32.4", "CVE-2024-47081: passwords of .netrc to other hosts"),
    "sqlparse": ("0.5.0", "CVE-2024-4340: endless recursion"),
    "twisted": ("24.7.0", "CVE-2024-41671: pipelined requests out of order"),
    "urllib3": ("2.8.0", "CVE-2026-97687, CVE-2026-97688: TLS settings ignored, endless bodies"),
    "uvicorn": ("0.11.7", "CVE-2020-7695: header injection"),
    "websockets": ("9.1", "CVE-2021-33880: a password told by time"),
    "werkzeug": ("3.0.6", "CVE-2024-49767: forms that fill the memory"),
}


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
    for name, version in locked.items():
        floor, hole = FLOORS.get(name, ("0", ""))
        if Version(version) < Version(floor):
            yield f"{name} {version} is older than {floor}, which mends {hole}"
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
