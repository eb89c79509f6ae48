"""Whether a server runs on this machine's data folder: one lock, shared by all that serve."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from django.conf import settings

# Open files, for the life of the process: with them the lock would go.
_held: Final[list[TextIO]] = []


def _lock() -> TextIO:
    folder: Path = settings.DATA_DIR
    return (folder / "serving.lock").open("a")


def announce() -> None:
    """Tell, for as long as this process lives, that it serves; several may, at once.

    Raises ``BlockingIOError`` while somebody holds the data for itself.
    """
    file = _lock()
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    _held.append(file)


@contextmanager
def nobody() -> Iterator[bool]:
    """Keep servers from starting; yields False where one runs already, and then keeps nothing."""
    with _lock() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
