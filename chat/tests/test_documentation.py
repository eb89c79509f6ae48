"""What is not documented fails."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from chat import limits, protocol
from pneumatic.lib import errors

_PROTOCOL = Path(settings.BASE_DIR / "docs" / "protocol.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", sorted({tag for tag, _ in protocol.types()}))
def test_every_command_and_event_is_documented(word: str) -> None:
    assert re.search(rf"^\|.*`{re.escape(word)}`", _PROTOCOL, re.MULTILINE)


@pytest.mark.parametrize("code", list(protocol.Close))
def test_every_close_code_is_documented(code: protocol.Close) -> None:
    assert str(int(code)) in _PROTOCOL


@pytest.mark.parametrize("error", errors.ALL)
def test_every_error_code_is_documented_with_its_status(error: type[errors.ProblemError]) -> None:
    assert re.search(rf"^\| `{error.code}` \| {error.status} ", _PROTOCOL, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(limits.told_to_clients()))
def test_every_limit_is_documented(name: str) -> None:
    assert f"`{name}`" in _PROTOCOL


def test_every_event_and_command_is_in_the_schema() -> None:
    schema = (settings.BASE_DIR / "docs" / "protocol.schema.json").read_text(encoding="utf-8")
    for word, _ in protocol.types():
        assert f'"{word}"' in schema
