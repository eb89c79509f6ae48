"""Who was in a conversation when, and which of its changes were not for whom."""

from collections.abc import Iterable
from typing import NamedTuple

from pneumatic.proof.journal import Change

_INFINITE = float("inf")


class Absence(NamedTuple):
    """Versions after `above` and before `below` are not this person's before the moment `until`."""

    above: int
    below: float
    until: float


#: Of somebody who was never in.
NEVER = Absence(-1, _INFINITE, _INFINITE)


def absences(changes: Iterable[Change]) -> dict[tuple[str, str], list[Absence]]:
    """By conversation and person, from changes in the order of their versions.

    The first one lasts until somebody came; when they are back, what they missed is theirs too.
    """
    found: dict[tuple[str, str], list[Absence]] = {}
    for change in changes:
        if change.kind != "member":
            continue
        spells = found.setdefault((change.conversation, change.key), [NEVER])
        if change.ended:
            if spells[-1].below == _INFINITE:
                # Out already: only the name of somebody who left was changed.
                continue
            spells.append(Absence(change.version, _INFINITE, _INFINITE))
        elif spells[-1].below == _INFINITE:
            spells[-1] = spells[-1]._replace(below=change.version, until=change.at)
    return found


class Presence(NamedTuple):
    """From when to when somebody was in, in seconds since the epoch."""

    since: float
    until: float


def presences(changes: Iterable[Change]) -> dict[tuple[str, str], list[Presence]]:
    """By conversation and person, from changes in the order of their versions."""
    found: dict[tuple[str, str], list[Presence]] = {}
    for change in changes:
        if change.kind != "member":
            continue
        spells = found.setdefault((change.conversation, change.key), [])
        is_in = bool(spells) and spells[-1].until == _INFINITE
        if is_in and change.ended:
            spells[-1] = spells[-1]._replace(until=change.at)
        elif not is_in and not change.ended:
            spells.append(Presence(change.at, _INFINITE))
    return found
