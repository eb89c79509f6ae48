"""What whoever serves does first: raise its limits, and tell that it runs on this data folder.

One lock, shared by all that serve, says so.
"""

import fcntl
import resource
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


class DataInUse(Exception):
    """Somebody holds the data for itself; the text tells a person who, and what to do."""


def announce() -> None:
    """Tell, for as long as this process lives, that it serves; several may, at once.

    Raises ``DataInUse``.
    """
    file = _lock()
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise DataInUse("A backup is being restored; start the server when it is done.") from None
    _held.append(file)


def raise_open_files() -> None:
    """Each socket is a file; what services and shells start with is often 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


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
