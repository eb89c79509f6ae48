"""No key and no password stands in the repository."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.check_locks import ROOT

#: What other programs made, or make: not ours to keep clean, or never committed.
_PASSED_OVER = {".git", ".venv", ".venv-bench", "node_modules", "var", "__pycache__", "staticfiles"}
_KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_\w{36}\b|\bxox[abps]-\w{10}"
)
#: `NAME=value` or `NAME: value` where the name says that the value opens something.
_SETTING = re.compile(
    r"^[\s#]*(?:-\s+|ENV\s+)?\"?(?P<name>[A-Z_]*(?:KEY|KEYS|SECRET|PASSWORD|TOKEN))\"?[=:][ ]*"
    r"(?P<value>.*)$",
    re.MULTILINE,
)
#: Nothing, what comes from elsewhere (${…}), or what says that it has to be replaced.
_HARMLESS = re.compile(r"""^["']?(?:\$.*|<.*|`.*|\.\.\..*|)["']?$""")
_DEPLOYMENTS = (
    ".ci", ".ebextensions", ".platform", "deploy", ".env.example", "Dockerfile", "Makefile",
    "Procfile", "compose.yaml",
)  # fmt: skip


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    else:
        for each in sorted(place.iterdir()):
            if each.name not in _PASSED_OVER and not each.is_symlink():
                yield from _files(each)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def test_no_file_holds_a_key() -> None:
    files = [file for file in _files(ROOT) if file != Path(__file__)]
    assert len(files) > 500
    assert [str(file.relative_to(ROOT)) for file in files if _KEYS.search(_text(file))] == []


def test_no_deployment_brings_a_secret_along() -> None:
    found = [
        (str(file.relative_to(ROOT)), setting["name"])
        for name in _DEPLOYMENTS
        for file in _files(ROOT / name)
        for setting in _SETTING.finditer(_text(file))
        if not _HARMLESS.match(setting["value"].strip())
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    ["SECRET_KEY=abc", "  SECRET_KEY: abc", "ENV JWT_SIGNING_KEY=abc", '  - "METRICS_TOKEN=abc'],
)
def test_a_secret_would_be_found(line: str) -> None:
    setting = _SETTING.search(line)
    assert setting
    assert not _HARMLESS.match(setting["value"])
