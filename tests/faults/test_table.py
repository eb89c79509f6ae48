"""docs/faults.md and docs/traps.md name what stands for each row, and all of it exists."""

import re
from pathlib import Path

import pytest

from pneumatic.proof.faults import KINDS
from pneumatic.settings import BASE_DIR

pytestmark = pytest.mark.once

ROWS = [
    *(f"F{number}" for number in range(1, 46)),
    "pg_failover_readonly",
    "sqlite_locked",
    "long_absence",
    "restored_backup",
    "leak_hunt",
]
#: The page that lists the clauses of the conformance kit; a test of its own holds it to them.
KIT = (Path(BASE_DIR) / "docs" / "conformance.md").read_text(encoding="utf-8")
#: Rows of which nothing is shown, and how the page says so.
NOTHING = "not tested here: "
#: Where tests are that stand for a row by their name.
FOLDERS = ["accounts", "chat", "tests"]


def table() -> dict[str, str]:
    text = (Path(BASE_DIR) / "docs" / "faults.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| (F\d+|\w+_\w+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    assert len(found) == len(dict(found)), "a row stands there twice"
    return dict(found)


def test_every_row_is_listed_and_no_other() -> None:
    assert list(table()) == ROWS


@pytest.mark.parametrize("row", ROWS)
def test_what_stands_for_a_row_exists(row: str) -> None:
    shown = table()[row]
    if shown.startswith(NOTHING):
        assert len(shown) > len(NOTHING)
        return
    tests = re.findall(r"`([\w/]+\.py)::(\w+)`", shown)
    faults = re.findall(r"`prove_delivery`: `([\w-]+)`", shown)
    assert tests or faults
    assert_exist(tests)
    for fault in faults:
        assert KINDS[fault].row == row


def assert_exist(tests: list[tuple[str, str]]) -> None:
    for path, name in tests:
        source = (Path(BASE_DIR) / path).read_text(encoding="utf-8")
        assert re.search(rf"def {name}\(", source), f"{path}::{name}"


def test_what_holds_a_trap_exists() -> None:
    text = (Path(BASE_DIR) / "docs" / "traps.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!trap |---)([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert len(rows) > 30
    pyproject = (Path(BASE_DIR) / "pyproject.toml").read_text(encoding="utf-8")
    for trap, shown in rows:
        tests = re.findall(r"`([\w/]+\.py)::(\w+)`", shown)
        if "bans it" in shown:
            assert re.search(rf"{re.findall('`([a-z_]+)`', trap)[0]}\"\.msg = ", pyproject)
        else:
            assert tests, trap
        assert_exist(tests)
        for clause in re.findall(r"`(\w+/[\w-]+)`", shown):
            assert f"`{clause}`" in KIT, clause


def test_every_test_with_a_number_is_listed_in_its_row() -> None:
    shown = table()
    paths = [path for folder in FOLDERS for path in Path(BASE_DIR, folder).rglob("test_*.py")]
    for path in sorted(paths):
        if path.parent.name == "proof":
            continue  # What its tests run are the faults of `prove_delivery`.
        source = path.read_text(encoding="utf-8")
        for name in re.findall(r"^ *(?:async )?def (test_\w+)\(", source, re.MULTILINE):
            for number in re.findall(r"_f(\d+)(?=_|$)", name):
                place = f"`{path.relative_to(BASE_DIR).as_posix()}::{name}`"
                assert place in shown[f"F{number}"], f"{place} is missing in F{number}"
