"""What sockets' persons may read now, asked for together: most syncs find that nothing is new.

Each device asks with every heartbeat, so that what got lost on the way to it is found.
"""

from collections.abc import Collection, Mapping

from chat.queries import Standing, standings_by_text
from pneumatic.lib.database.sharedreads import SharedReads
from pneumatic.lib.perloop import PerLoop


class Standings(SharedReads[str, Standing]):
    """By person, as the text of their id."""

    #: At 400 a second, which 10,000 devices make, some 80 share one read: what a read costs
    #: whoever it is for is then little. Who has something else to say hurries it.
    gather_seconds = 0.2

    def read(self, keys: Collection[str]) -> Mapping[str, Standing]:
        return standings_by_text(keys)


_standings = PerLoop(Standings)


def standings() -> Standings:
    """The running event loop's, made at the first call."""
    return _standings.get()
