"""The clauses, one module for each part of docs/protocol.md."""

from importlib import import_module
from typing import Final

#: In the order in which they are checked; the last one looks back at what all others heard.
PARTS: Final = ("opening", "syncing", "sending", "changes", "states", "frames", "closing")


def load() -> None:
    """Fill the list of clauses; a second time adds nothing."""
    for part in PARTS:
        import_module(f"{__name__}.{part}")
