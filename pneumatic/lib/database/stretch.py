"""What a page asks of a list, whoever reads it."""

from typing import NamedTuple
from uuid import UUID


class Stretch(NamedTuple):
    """Which rows of a list that is in the order of their ids."""

    is_descending: bool = False
    #: Only those that come after this one, wherever it is.
    beyond: UUID | None = None
    #: Of these, from which number on, and how many at most.
    first: int = 0
    most: int = 0
