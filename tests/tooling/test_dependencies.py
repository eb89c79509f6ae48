"""docs/dependencies.md says of each direct dependency why we have it."""

import re

import pytest

from scripts.check_locks import LOCKS, ROOT, pins

PAGE = (ROOT / "docs/dependencies.md").read_text()
EXPLAINED = dict(re.findall(r"^\| (\S+) \| [^|]+ \| (.+) \|$", PAGE, re.M))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pinned_package_is_explained(lock: str) -> None:
    asked = pins((ROOT / f"{lock}.in").read_text())
    assert asked
    assert [name for name in asked if not EXPLAINED.get(name)] == []


def test_nothing_is_explained_that_we_no_longer_use() -> None:
    asked = {name for lock in LOCKS for name in pins((ROOT / f"{lock}.in").read_text())}
    assert set(EXPLAINED) - {"package"} == asked
