"""How long things took: delivery second by second, and each fault's recovery."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pneumatic.proof.faults import KINDS, Fault

Line = Mapping[str, Any]


@dataclass
class Recovery:
    """Of one kind of fault: how often it happened, and the seconds until devices were well."""

    kind: str
    times: int = 0
    seconds: list[float] = field(default_factory=list)
    #: Devices that had nothing to hear before the end of the run.
    quiet: int = 0

    @property
    def row(self) -> str:
        return KINDS[self.kind].row


class Timing:
    """Watches histories go by."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: fault.end)
        #: By second: how long messages took that arrived then, from their first sending.
        self.seconds: dict[int, list[float]] = defaultdict(list)
        #: How sockets ended, by close code; 1006 is without a word.
        self.closes: Counter[int] = Counter()
        self.recoveries: dict[str, Recovery] = {}
        for fault in self.faults:
            found = self.recoveries.setdefault(fault.kind, Recovery(fault.kind))
            found.times += 1

    def watch(self, device: str, lines: Iterable[Line]) -> Iterator[Line]:
        """The same lines; after the last one this device's times are known."""
        waiting = [fault for fault in self.faults if device in fault.affected]
        for line in lines:
            late = line.get("late")
            if late:
                self.seconds[int(line["t"])].extend(late)
            if line["e"] == "close":
                self.closes[line["code"]] += 1
            if waiting and (line["e"] == "ack" or (line["e"] == "in" and line["y"] == "message")):
                waiting = self._recovered(waiting, line["t"])
            yield line
        for fault in waiting:
            self.recoveries[fault.kind].quiet += 1

    def _recovered(self, waiting: list[Fault], at: float) -> list[Fault]:
        while waiting and waiting[0].end <= at:
            fault, *waiting = waiting
            self.recoveries[fault.kind].seconds.append(at - fault.end)
        return waiting

    def all_latencies(self) -> list[float]:
        """Every delivery's seconds, sorted."""
        return sorted(seconds for each in self.seconds.values() for seconds in each)


def percentile(ordered: Sequence[float], part: float) -> float | None:
    """The value below which this part of the sorted values lies; None without any."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
