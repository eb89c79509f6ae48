"""docs/security.md names for each row what shows it, and all of it exists."""

import re
from pathlib import Path

import pytest
from django.conf import settings

BASE = Path(settings.BASE_DIR)
ROWS = [*(f"R{number}" for number in range(1, 49)), *(f"A{number}" for number in range(1, 36))]


def table() -> dict[str, str]:
    text = (BASE / "docs/security.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| ([RA]\d+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    assert len(found) == len(dict(found)), "a row stands there twice"
    return dict(found)


def test_every_row_is_listed_and_no_other() -> None:
    assert list(table()) == ROWS


@pytest.mark.parametrize("row", ROWS)
def test_what_shows_a_row_exists(row: str) -> None:
    shown = table()[row]
    left = shown
    for path, name in re.findall(r"`([\w/]+\.py)::(\w+)`", shown):
        source = (BASE / path).read_text(encoding="utf-8")
        assert re.search(rf"^(?:async )?def {name}\(", source, re.MULTILINE), f"{path}::{name}"
        left = left.replace(f"`{path}::{name}`", "")
    for path, title in re.findall(r"`([\w/.]+\.mjs)`: “([^”]+)”", shown):
        assert title in (BASE / path).read_text(encoding="utf-8"), f"{path}: {title}"
        left = left.replace(f"`{path}`: “{title}”", "")
    for rest in filter(None, (part.strip() for part in left.split(";"))):
        assert rest.startswith(("owed by ", "owed: ", "does not apply: ")), rest


def test_every_test_of_this_folder_is_on_the_page_or_looks_after_one_that_is() -> None:
    shown = str(table())
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.name != Path(__file__).name:
            assert f"tests/security/{path.name}::" in shown, path.name
