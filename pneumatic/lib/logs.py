"""Logs: one line a happening, as JSON or for eyes, from our code and from libraries alike.

A line holds an event's name and its facts. Secrets and what people write never get into it, and
nothing that a client sends can start a line of its own.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["json", "console"]

LONGEST_TEXT: Final = 4096
_REDACTED: Final = "[redacted]"
_DEEPEST: Final = 5
_SECRET_WORDS: Final = frozenset(
    {
        "access",
        "authorization",
        "body",
        "cookie",
        "email",
        "password",
        "refresh",
        "secret",
        "token",
    }
)
_WORD_ENDS = re.compile(r"[^a-z0-9]+")
# A bearer token or a JWT that strayed into a sentence. The latter is looked for in two steps, each
# of linear time: what could be one, whole, and where in that it begins.
_BEARER = re.compile(r"(?i:bearer)\s+[\w.~+/=-]+")
_PARTS = re.compile(r"[\w.-]+")
_JWT = re.compile(r"\beyJ[\w-]{5}")
# PostgreSQL quotes the row at fault, so an e-mail address or a message's text, in its DETAIL.
_DATABASE_DETAIL = re.compile(
    r"DETAIL:.*?(?=\n\n(?:The above exception|During handling of)|\Z)", re.DOTALL
)
# Line ends and terminal controls forge lines; bidi controls make one read as another.
_CONTROLS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _without_tokens(text: str) -> str:
    text = _BEARER.sub(_REDACTED, text)
    return _PARTS.sub(_without_jwt, text) if "eyJ" in text else text


def _without_jwt(parts: re.Match[str]) -> str:
    before = 0
    for part in parts[0].split(".")[:-1]:
        if begins := _JWT.search(part):
            return parts[0][: before + begins.start()] + _REDACTED
        before += len(part) + 1
    return parts[0]


def _harmless(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}… ({len(text)} characters)"
    return _CONTROLS.sub(_escape, _without_tokens(text))


def _is_secret(key: object) -> bool:
    return isinstance(key, str) and not _SECRET_WORDS.isdisjoint(_WORD_ENDS.split(key.lower()))


def _cleaned(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth:
        return {
            _harmless(str(key)): _REDACTED if _is_secret(key) else _cleaned(inner, depth - 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [_cleaned(inner, depth - 1) for inner in value]
    return _harmless(value if isinstance(value, str) else str(value))


def _traceback(text: str) -> str:
    text = _without_tokens(_DATABASE_DETAIL.sub(f"DETAIL: {_REDACTED}", text))
    # Indented, so that a line end inside an exception's message can't look like a log line.
    return "\n".join(f"    {_CONTROLS.sub(_escape, line)}" for line in text.splitlines())


def clean(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The processor that redacts secrets and disarms control characters, in keys and values.

    A key is secret when one of its words is (``new_password``, ``Set-Cookie``), at any depth.
    """
    return {
        key: _traceback(str(value))
        if key in ("exception", "stack")
        else value
        if key.startswith("_")  # ProcessorFormatter's own: the record itself
        else _REDACTED
        if _is_secret(key)
        else _cleaned(value, _DEEPEST)
        for key, value in event.items()
    }


_ALL: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]
# One list for good: loggers keep the one that they first saw.
_OURS: Final[list[Processor]] = [
    structlog.stdlib.filter_by_level,
    *_ALL,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]


def configure(*, level: str, format: Format | str) -> None:
    """Send structlog's and the standard library's logs to standard error, one line an event.

    ``level`` is a name of the standard library's; ``format`` is ``json`` or ``console``. May be
    called again; the last call counts.
    """
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_ALL,
        processors=[
            structlog.processors.format_exc_info,
            clean,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            renderer,
        ],
    )
    structlog.configure(
        processors=_OURS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [
        other
        for other in root.handlers
        if not isinstance(other.formatter, structlog.stdlib.ProcessorFormatter)
    ] + [handler]
    root.setLevel(level)
    _quieten()


def _has_traceback(record: logging.LogRecord) -> bool:
    """Django also tells each answer's status, which the request line does already."""
    return record.exc_info is not None


def _without_traceback(record: logging.LogRecord) -> bool:
    """Every scanner of the internet gets the host wrong, and the traceback is always the same."""
    record.exc_info = record.exc_text = None
    return True


def _quieten() -> None:
    """Let the servers speak through our handler, and not repeat what our request line says."""
    for name in ("django", "uvicorn", "uvicorn.error", "daphne", "channels"):
        other = logging.getLogger(name)
        other.handlers.clear()
        other.propagate = True
    logging.getLogger("django.request").addFilter(_has_traceback)
    logging.getLogger("django.security.DisallowedHost").addFilter(_without_traceback)
    for name in ("uvicorn.access", "django.server", "daphne.http_protocol", "asyncio", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)
