"""JSON in and out: read strictly, so that nothing odd gets past the door; written fast."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from django.utils.functional import Promise
from rest_framework import parsers, renderers
from rest_framework.utils.encoders import JSONEncoder

from pneumatic.lib.errors import Invalid, TooLarge
from pneumatic.lib.http.jsonkeys import RepeatedKey, refuse_repeated

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 32
#: How many values (members of lists and objects) one body may hold.
MAX_VALUES: Final = 50_000
_SMALLEST, _GREATEST = -(2**63), 2**63 - 1


def decode(raw: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises TooLarge past MAX_BYTES, and Invalid for whatever strict JSON doesn't know (NaN, lone
    surrogates, a byte order mark) or no honest client sends: NUL characters, numbers beyond 64
    bits, nesting beyond MAX_DEPTH, a key given twice.
    """
    if len(raw) > MAX_BYTES:
        raise TooLarge(f"The body is larger than {MAX_BYTES} bytes.")
    if not raw:
        raise Invalid("The body is empty; send a JSON object.")
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        raise Invalid(f"The body is nested deeper than {MAX_DEPTH} levels.") from None
    except UnicodeDecodeError:
        raise Invalid("The body is not valid UTF-8.") from None
    except msgspec.DecodeError as error:
        raise Invalid(f"The body is not valid JSON: {error}.") from None
    _check(value)
    _check_keys(raw.decode())
    return value


def _check_keys(text: str) -> None:
    try:
        refuse_repeated(text)
    except RepeatedKey as error:
        raise Invalid(f"The body holds a key twice: {error}") from None
    except (ValueError, RecursionError):
        # Where `_check` saw nothing odd, this hides in a value whose key comes again later.
        raise Invalid("The body holds a key twice.") from None


def _check(value: Any) -> None:
    """Level by level, not recursively: what is checked here is the depth, after all."""
    level: list[Any] = [value]
    depth = count = 0
    while level:
        depth += 1
        inner: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, dict | list):
                if depth > MAX_DEPTH:
                    raise Invalid(f"The body is nested deeper than {MAX_DEPTH} levels.")
                if isinstance(item, dict):
                    for key in item:
                        _check_text(key)
                    inner.extend(item.values())
                else:
                    inner.extend(item)
            elif isinstance(item, int) and not _SMALLEST <= item <= _GREATEST:
                raise Invalid("A number in the body doesn't fit into 64 bits.")
        count += len(inner)
        if count > MAX_VALUES:
            raise Invalid(f"The body holds more than {MAX_VALUES} values.")
        level = inner


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Invalid("The body holds a NUL character (U+0000).")


def _plain(value: object) -> object:
    """What msgspec doesn't know: Django's lazy texts and DRF's kinds of text and list."""
    if isinstance(value, str | Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    return JSONEncoder().default(value)


def encode(value: object) -> bytes:
    """JSON in UTF-8; times in UTC end in ``Z`` (RFC 3339)."""
    return msgspec.json.encode(value, enc_hook=_plain)


class StrictJSONParser(parsers.BaseParser):
    """``application/json`` bodies, which must be one object."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        value = decode(stream.read(MAX_BYTES + 1))
        if not isinstance(value, dict):
            raise Invalid("The body must be a JSON object.")
        return value


class JSONRenderer(renderers.JSONRenderer):
    """Compact JSON; indented for ``Accept: application/json; indent=4`` and the browsable API."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        encoded = encode(data)
        indent = self.get_indent(accepted_media_type or "", dict(renderer_context or {}))
        return msgspec.json.format(encoded, indent=indent) if indent else encoded


# The browsable API offers to write bodies in the formats that the parsers can show.
StrictJSONParser.renderer_class = JSONRenderer  # type: ignore[attr-defined]
