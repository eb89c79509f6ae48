"""From texts to commands, from events to texts."""

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from chat.protocol.commands import (
    COMMANDS,
    AnyCommand,
    Heartbeat,
    Hello,
    QuickCommand,
    Ref,
    Send,
)
from chat.protocol.events import EVENTS, Event
from pneumatic.lib.http.jsonkeys import RepeatedKey, refuse_repeated


class BadFrame(ValueError):
    """A frame that is not a command; `ref` is the frame's, where it could be read."""

    def __init__(self, detail: str, ref: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.ref = ref
        at = _AT.search(detail)
        unknown = _UNKNOWN.search(detail)
        self.field = at["path"] if at else unknown["name"] if unknown else None


class _OnlyRef(Struct):
    ref: Ref | None = None


_commands: Final[msgspec.json.Decoder[AnyCommand]] = msgspec.json.Decoder(AnyCommand, strict=True)
_quick: Final[msgspec.json.Decoder[QuickCommand]] = msgspec.json.Decoder(QuickCommand, strict=True)
_plain: Final = msgspec.json.Decoder(dict[str, Any])
_only_ref: Final = msgspec.json.Decoder(_OnlyRef)
_encoder: Final = msgspec.json.Encoder()
# How msgspec names the place: "Expected `str`, got `int` - at `$.body`".
_AT: Final = re.compile(r"at `\$\.(?P<path>[\w.\[\]]+)`")
_UNKNOWN: Final = re.compile(r"unknown field `(?P<name>\w+)`")


def decode(text: str, known: AbstractSet[str] = frozenset()) -> AnyCommand | Heartbeat:
    """The command in one text frame.

    A `sync` is a `Heartbeat` where it names nothing but `known` ids, which are such as `str` makes
    them, and asks for nothing else.

    Raises `BadFrame` for anything else: not JSON, unknown type or field, wrong type of a value, a
    key given twice.
    """
    try:
        command: AnyCommand | Heartbeat = _quick.decode(text)
        if isinstance(command, Heartbeat) and (
            command.partial or command.states or not command.versions.keys() <= known
        ):
            command = _commands.decode(text)
        colons = text.count(":")
        if colons != _fewest_keys(command) and colons != _keys(text):
            refuse_repeated(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadFrame(_in_words(error), _ref_of(text)) from None
    return command


# A frame has a colon for each key that it gives: with no more colons than keys none comes twice,
# and most frames needn't be read a second time by a slower reader (8 µs for a message of 120
# characters, these 1 µs).


def _fewest_keys(command: AnyCommand | Heartbeat) -> int:
    """How many keys a text has at least, where it is what devices say most; else fewer."""
    fewest = 1 if command.ref is None else 2
    if isinstance(command, Heartbeat):
        fewest += 1 + len(command.versions) + (command.epoch is not None)
    elif isinstance(command, Hello) and command.versions:
        fewest += 1 + len(command.versions) + (command.epoch is not None)
        fewest += command.token is not None
    elif isinstance(command, Send):
        fewest += 3 + (command.reply_to is not None)
    return fewest


def _keys(text: str) -> int:
    """How many keys a command keeps, when of those given twice only the last is."""
    frame = _plain.decode(text)
    return len(frame) + sum(len(value) for value in frame.values() if isinstance(value, dict))


def encode(event: Event | Struct) -> str:
    """The event's text, as it goes into a frame."""
    return _encoder.encode(event).decode()


def to_id(text: str) -> UUID:
    """The id in a text, spelled as it may be in a command: with all its hyphens or with none.

    Raises `ValueError`. Python's own also takes braces, `urn:uuid:`, and hyphens anywhere.
    """
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise ValueError("Not a UUID.") from None


def batch(texts: Sequence[str]) -> str:
    """Several encoded events as one frame, in order; a single one as it is."""
    if len(texts) == 1:
        return texts[0]
    return f'{{"type":"batch","events":[{",".join(texts)}]}}'


def _in_words(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The frame is nested too deeply."
    if isinstance(error, UnicodeError):
        return "The frame is not valid Unicode."
    if isinstance(error, RepeatedKey):
        return f"{error} - at `$.{error.key}`"
    return str(error)


def _ref_of(text: str) -> str | None:
    try:
        return _only_ref.decode(text).ref
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def types() -> Iterable[tuple[str, type[Struct]]]:
    """Every command and event with its `type` word, for docs and tests."""
    for kind in (*COMMANDS, *EVENTS):
        tag = kind.__struct_config__.tag
        yield str(tag), kind
