"""Whether each socket ended as its fault makes it end: each close code has a fault behind it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from pneumatic.proof.checker import Verdict
from pneumatic.proof.faults import KINDS, Fault

#: How much later than its fault a socket may end: a busy machine, and what is still on its way.
_SLACK = 3.0
#: How long a server waits for the answer to a ping before it takes a device for gone, in seconds.
PING_SECONDS = 17.0
_SILENT, _NO_PONG = 1006, 1011


class Close(NamedTuple):
    """The end of a socket that was open, and that its device had not ended itself."""

    device: str
    #: The port of the process that it was connected to.
    door: int
    at: float
    #: As the device saw it; 1006 is without a word.
    code: int


class Closes:
    """Counts every end by the fault that explains it; what none explains is a violation."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        #: By kind of fault: how often each code.
        self.by_kind: dict[str, Counter[int]] = defaultdict(Counter)
        self.unexplained: list[Close] = []
        #: Connections that devices gave up because nothing came for two heartbeats.
        self.given_up = 0
        self._faults = faults
        self._holds = [fault for fault in faults if KINDS[fault.kind].network]

    def add(self, close: Close) -> None:
        for fault in self._about(close):
            if close.code in KINDS[fault.kind].codes:
                self.by_kind[fault.kind][close.code] += 1
                return
        if (close.code == _SILENT and self._slept_through_a_drain(close)) or (
            close.code == _NO_PONG and self._answered_no_ping(close)
        ):
            self.by_kind["frozen"][close.code] += 1
        else:
            self.unexplained.append(close)

    def judge(self, verdict: Verdict, started: float) -> None:
        """Tell the verdict what nothing explains; times count from `started`."""
        for close in self.unexplained:
            due = [
                f"{fault.kind}, which ends sockets with "
                f"{' or '.join(map(str, sorted(KINDS[fault.kind].codes))) or 'nothing'}"
                for fault in self._about(close)
            ]
            verdict.add(
                "closed wrongly",
                f"{close.device} met {close.code} at {close.at - started:.2f} s, from the process"
                f" at port {close.door}, during {'; '.join(due) or 'no fault'}",
            )

    def _slept_through_a_drain(self, close: Close) -> bool:
        """Whoever reads nothing until the process has gone may miss its goodbye."""
        kinds = {fault.kind: fault for fault in self._about(close)}
        drain, frozen = kinds.get("term"), kinds.get("frozen")
        if drain is None or frozen is None:
            return False
        return frozen.start <= drain.over and frozen.over >= drain.start

    def _answered_no_ping(self, close: Close) -> bool:
        """Whoever reads nothing for as long as pings wait is taken for gone."""
        return any(
            fault.kind == "frozen" and fault.over - fault.start >= PING_SECONDS
            for fault in self._about(close)
        )

    def _about(self, close: Close) -> list[Fault]:
        """The faults that met this socket about then, a process's own before the network's."""
        met = [fault for fault in self._faults if self._meets(fault, close)]
        return sorted(met, key=lambda fault: KINDS[fault.kind].network)

    def _meets(self, fault: Fault, close: Close) -> bool:
        if fault.door and fault.door != close.door:
            return False
        if KINDS[fault.kind].network and close.device not in fault.affected:
            return False
        return fault.start <= close.at <= self._last(fault, close.device) + _SLACK

    def _last(self, fault: Fault, device: str) -> float:
        """When the device hears of it at the latest: a frozen one only after the thaw."""
        holds = [
            each.over
            for each in self._holds
            if device in each.affected
            and each.start <= fault.over + _SLACK
            and each.over >= fault.start
        ]
        return max([fault.over, *holds])
