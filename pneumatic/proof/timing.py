"""How long things took: delivery second by second, and each fault's recovery."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pneumatic.proof.absences import presences
from pneumatic.proof.closes import Close, Closes
from pneumatic.proof.faults import KINDS, Fault
from pneumatic.proof.journal import Change

Line = Mapping[str, Any]
#: A device that another fault takes hold of so soon is counted for that one alone.
_TAKEN = 2.0


@dataclass
class Recovery:
    """Of one kind of fault: how often it happened, and the seconds until all was well."""

    kind: str
    times: int = 0
    #: One for each fault: from its end until every device that was a member's had every message
    #: that was acknowledged before that end; 0 where nothing was missing then.
    whole: list[float] = field(default_factory=list)
    #: One for each affected device: until its next live delivery or acknowledgement.
    live: list[float] = field(default_factory=list)
    #: Devices that had nothing to hear before the end of the run.
    quiet: int = 0

    @property
    def row(self) -> str:
        return KINDS[self.kind].row


class Timing:
    """Watches histories go by. `acked`: when each message was first acknowledged to anybody."""

    def __init__(
        self,
        faults: Sequence[Fault],
        acked: Mapping[str, float] | None = None,
        changes: Iterable[Change] = (),
    ) -> None:
        self.faults = sorted(faults, key=lambda fault: fault.end)
        #: By second: how long messages took that arrived then, from their first sending.
        self.seconds: dict[int, list[float]] = defaultdict(list)
        self.closes = Closes(self.faults)
        self._acked = acked or {}
        self._presences = presences(changes)
        self._ends = [fault.end for fault in self.faults]
        self._whole = [0.0 for _ in self.faults]
        self._live: dict[str, list[float]] = defaultdict(list)
        self._quiet: dict[str, int] = defaultdict(int)

    def watch(self, device: str, person: str, lines: Iterable[Line]) -> Iterator[Line]:
        """The same lines; after the last one this device's times are known."""
        mine = waiting = [fault for fault in self.faults if device in fault.affected]
        seen: set[str] = set()
        for line in lines:
            late = line.get("late")
            if late:
                self.seconds[int(line["t"])].extend(late)
            match line["e"]:
                case "gave up":
                    self.closes.given_up += 1
                case "close" if not line["mine"]:
                    self.closes.add(Close(device, line["door"], line["t"], line["code"]))
                case "in" if line["y"] in ("message", "sync"):
                    self._received(person, mine, line, seen)
            if waiting and (line["e"] == "ack" or (line["e"] == "in" and line["y"] == "message")):
                waiting = self._alive(waiting, line["t"])
            yield line
        for fault in waiting:
            self._quiet[fault.kind] += 1

    def recoveries(self) -> list[Recovery]:
        """What is known after all devices, by the kind's name."""
        found: dict[str, Recovery] = {}
        for fault, whole in zip(self.faults, self._whole, strict=True):
            each = found.setdefault(fault.kind, Recovery(fault.kind))
            each.times += 1
            if KINDS[fault.kind].end:
                each.whole.append(whole)
        for kind, each in found.items():
            each.live, each.quiet = self._live[kind], self._quiet[kind]
        return [found[kind] for kind in sorted(found)]

    def _received(self, person: str, mine: Sequence[Fault], line: Line, seen: set[str]) -> None:
        """A message that comes after the end of a fault, and was acknowledged before it."""
        at = line["t"]
        for kind, key, *_ in line["rows"]:
            if kind != "message" or key in seen:
                continue
            seen.add(key)
            if key not in self._acked:
                continue
            first = bisect_left(self._ends, self._acked[key])
            for number in range(first, bisect_left(self._ends, at)):
                fault = self.faults[number]
                if self._was_in(person, line["c"], fault.end, at) and not any(
                    _takes_over(other, fault) for other in mine
                ):
                    self._whole[number] = max(self._whole[number], at - fault.end)

    def _was_in(self, person: str, conversation: str, since: float, until: float) -> bool:
        """Whether the person could have had it all that time: who came later got it later."""
        spells = self._presences.get((conversation, person), [])
        return any(spell.since <= since and until <= spell.until for spell in spells)

    def _alive(self, waiting: list[Fault], at: float) -> list[Fault]:
        while waiting and waiting[0].end <= at:
            fault, *waiting = waiting
            self._live[fault.kind].append(at - fault.end)
        return waiting

    def all_latencies(self) -> list[float]:
        """Every delivery's seconds, sorted."""
        return sorted(seconds for each in self.seconds.values() for seconds in each)


def _takes_over(other: Fault, fault: Fault) -> bool:
    return other is not fault and other.start <= fault.end + _TAKEN and other.over > fault.end


def percentile(ordered: Sequence[float], part: float) -> float | None:
    """The value below which this part of the sorted values lies; None without any."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
