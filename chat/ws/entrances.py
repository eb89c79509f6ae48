"""Who says hello, and what they join: asked for together by those who come at the same time."""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from accounts.authentication import Identity, authenticate_all
from accounts.tokens import Claims
from chat import queries
from chat.queries import Surroundings
from pneumatic.lib.database.sharedreads import SharedReads
from pneumatic.lib.errors import Unauthenticated
from pneumatic.lib.perloop import PerLoop


class Admission(NamedTuple):
    """Somebody whose session goes on, and what they were in just now."""

    identity: Identity
    epoch: UUID
    #: The conversations' ids as texts, each with the version at which somebody's membership last
    #: ended there.
    ended: dict[str, int]


class Entrances(SharedReads[Claims, Admission | Unauthenticated]):
    """By what a token says, which was verified."""

    def read(self, keys: Collection[Claims]) -> Mapping[Claims, Admission | Unauthenticated]:
        found = authenticate_all(keys)
        people = {each.user.id for each in found.values() if isinstance(each, Identity)}
        entrances = queries.entrances_of(people) if people else {}
        return {
            claims: Admission(each, *entrances[each.user.id])
            if isinstance(each, Identity)
            else each
            for claims, each in found.items()
        }


class AllSurroundings(SharedReads[UUID, Surroundings]):
    """By person: what most hellos end with."""

    #: Each answer may be a text of some 100 KB, of which there are several copies on its way.
    together = 8

    def read(self, keys: Collection[UUID]) -> Mapping[UUID, Surroundings]:
        return queries.surroundings_of(keys)


_entrances = PerLoop(Entrances)
_surroundings = PerLoop(AllSurroundings)


def entrances() -> Entrances:
    """The running event loop's."""
    return _entrances.get()


def surroundings() -> AllSurroundings:
    """The running event loop's."""
    return _surroundings.get()
