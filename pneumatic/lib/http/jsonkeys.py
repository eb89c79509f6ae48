"""Keys that a JSON object gives twice: readers disagree on which of them counts."""

import json
from typing import Any, Final

#: How much of a key is repeated in an error.
_SHOWN: Final = 64


class RepeatedKey(ValueError):
    """An object gives this key more than once."""

    def __init__(self, key: str) -> None:
        self.key = key if len(key) <= _SHOWN else f"{key[:_SHOWN]}…"
        super().__init__(f"`{self.key}` is given more than once.")


def refuse_repeated(text: str) -> None:
    """Nothing for a JSON text whose objects give each key once, at every depth.

    Raises RepeatedKey, or another ValueError or RecursionError for what the standard library can't
    read: it may stand in a value that a reader which takes the last one never looked at.
    """
    _decoder.decode(text)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise RepeatedKey(key)
            seen.add(key)
    return found


_decoder: Final = json.JSONDecoder(object_pairs_hook=_each_once)
