import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings

from pneumatic.lib import logs


class Output:
    """What came out of the handler that `configure` installed."""

    def __init__(self, format: str) -> None:
        logs.configure(level="INFO", format=format)
        self.stream = io.StringIO()
        for handler in logging.getLogger().handlers:
            if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
                assert isinstance(handler, logging.StreamHandler)
                handler.setStream(self.stream)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().split("\n")[:-1]

    @property
    def only(self) -> dict[str, Any]:
        assert len(self.lines) == 1, self.lines
        record: dict[str, Any] = json.loads(self.lines[0])
        return record


@pytest.fixture
def as_json() -> Iterator[Output]:
    yield Output("json")
    logs.configure(level=settings.LOG_LEVEL, format=settings.LOG_FORMAT)


@pytest.fixture
def as_text() -> Iterator[Output]:
    yield Output("console")
    logs.configure(level=settings.LOG_LEVEL, format=settings.LOG_FORMAT)


log = structlog.get_logger("tests")


def test_a_line_holds_event_level_logger_and_a_time_in_utc(as_json: Output) -> None:
    structlog.get_logger("here").warning("happened", size=3)
    assert as_json.only["event"] == "happened"
    assert as_json.only["level"] == "warning"
    assert as_json.only["logger"] == "here"
    assert as_json.only["size"] == 3
    assert as_json.only["timestamp"].endswith("Z")


def test_libraries_lines_look_like_ours_and_carry_the_request(as_json: Output) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        logging.getLogger("some.library").warning("size is %d", 7)
    assert as_json.only["event"] == "size is 7"
    assert as_json.only["request_id"] == "r1"


def test_what_is_below_the_level_is_dropped(as_json: Output) -> None:
    structlog.get_logger("here").debug("detail")
    logging.getLogger("there").debug("detail")
    assert as_json.lines == []


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "new_password",
        "Authorization",
        "Set-Cookie",
        "access_token",
        "refresh",
        "email",
        "body",
    ],
)
def test_secrets_are_redacted_at_any_depth(as_json: Output, key: str) -> None:
    log.info("x", **{key: "canary"}, inner={"list": [{key: "canary"}]})
    assert "canary" not in as_json.lines[0]


def test_tokens_are_redacted_inside_sentences(as_json: Output) -> None:
    log.info("got Bearer abc.def-canary", text="token eyJhbGciOi.eyJzdWIi.canary came")
    assert "canary" not in as_json.lines[0]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("x-eyJhbGciOi.eyJzdWIi.canary, then", "x-[redacted], then"),
        ("(www.example.org/eyJhbGciOi.canary)", "(www.example.org/[redacted])"),
        ("a.eyJhbGciOi.canary", "a.[redacted]"),
        ("at example.org. keyJhbGciOi.mine", "at example.org. keyJhbGciOi.mine"),
        ("an eyJhbGciOi without an end", "an eyJhbGciOi without an end"),
    ],
)
def test_a_token_is_found_wherever_it_begins(as_json: Output, text: str, left: str) -> None:
    log.info("said", text=text)
    assert as_json.only["text"] == left


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["eyJaaaaa-", "eyJaaaaa.", "a.", "bearer ", "bearer\t", "DETAIL: ", "\u202e"], ids=repr
)
def test_no_text_in_an_exception_takes_for_ever(as_json: Output, piece: str) -> None:
    """Half a megabyte: in quadratic time this takes minutes."""
    try:
        raise ValueError(piece * (500_000 // len(piece)))
    except ValueError:
        log.exception("failed")
    assert as_json.only["event"] == "failed"


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "\x1b[31mred", "a\u2028b", "\u202egnp", "\ud800"]
)
def test_control_characters_can_not_forge_a_line(as_json: Output, text: str) -> None:
    log.info(text, value=text, **{f"k{text}": 1})
    logging.getLogger("library").warning("%s", text)
    first, second = as_json.lines
    for line in (first, second):
        assert text not in line
        assert text not in json.loads(line)["event"]


def test_control_characters_can_not_forge_a_line_for_eyes_either(as_text: Output) -> None:
    log.info("a\nforged", agent="b\r\nforged\x1b[2J")
    assert len(as_text.lines) == 1
    assert "\x1b" not in as_text.lines[0]


def test_a_message_inside_an_exception_can_not_forge_a_line(as_text: Output) -> None:
    try:
        raise ValueError("first\n2026-01-01 forged")
    except ValueError:
        log.exception("failed")
    assert any("ValueError" in line for line in as_text.lines)
    assert not any(line.startswith("2026-01-01 forged") for line in as_text.lines)


def test_an_exception_goes_into_the_line_with_its_traceback(as_json: Output) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("library").exception("failed")
    assert "ValueError: broken" in as_json.only["exception"]
    assert "test_logs.py" in as_json.only["exception"]


def test_the_row_that_the_database_quotes_is_left_out(as_json: Output) -> None:
    try:
        raise ValueError("duplicate key\nDETAIL:  Key (email)=(canary@x.org) exists.\nmore canary")
    except ValueError:
        log.exception("failed")
    assert "duplicate key" in as_json.lines[0]
    assert "canary" not in as_json.lines[0]


def test_a_huge_text_is_cut(as_json: Output) -> None:
    log.info("x", agent="a" * 1_000_000)
    assert len(as_json.lines[0]) < 2 * logs.LONGEST_TEXT


def test_numbers_none_and_texts_keep_their_kind(as_json: Output) -> None:
    log.info("x", a=1, b=1.5, c=None, d=True, e={"f": (1, "g")})
    assert {key: as_json.only[key] for key in "abcde"} == {
        "a": 1,
        "b": 1.5,
        "c": None,
        "d": True,
        "e": {"f": [1, "g"]},
    }


def test_django_says_what_failed_not_which_status_was_answered(as_json: Output) -> None:
    django = logging.getLogger("django.request")
    django.error("Service Unavailable: /readyz")
    assert as_json.lines == []
    try:
        raise ValueError
    except ValueError:
        django.exception("Internal Server Error: /x")
    assert "ValueError" in as_json.only["exception"]
