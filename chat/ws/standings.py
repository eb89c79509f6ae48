"""What sockets' persons may read now, asked for together: most syncs find that nothing is new.

Each device asks with every heartbeat, so that what got lost on the way to it is found.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from chat.queries import Standing, standings_of
from pneumatic.lib.database.sharedreads import SharedReads
from pneumatic.lib.perloop import PerLoop


class Standings(SharedReads[UUID, Standing]):
    """By person."""

    #: At 400 a second, which 10,000 devices make, some 20 share one read; more would save little
    #: and block for longer.
    gather_seconds = 0.05

    def read(self, keys: Collection[UUID]) -> Mapping[UUID, Standing]:
        return standings_of(keys)


_standings = PerLoop(Standings)


def standings() -> Standings:
    """The running event loop's, made at the first call."""
    return _standings.get()
