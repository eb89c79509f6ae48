"""Decides whether the promise was kept, from what is left when everything is over.

Pure, and it shares no code with the server: it reads histories, the database's journal and rows
(`journal.Truth`), and what devices have at the end. The invariants' numbers stand in
docs/delivery.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pneumatic.proof.absences import NEVER, absences
from pneumatic.proof.journal import Truth

Line = Mapping[str, Any]
Mirrored = Mapping[str, Mapping[str, Any]]
#: What can be violated, in the order of the table.
KINDS = (
    "lost",
    "duplicated",
    "out of order",
    "leaked",
    "unconverged",
    "contradicted",
    "closed wrongly",
)
#: How far the clocks of the database and of the devices may be apart: one machine, milliseconds.
_CLOCKS = 0.01
_TOLD = 20


class Violation(NamedTuple):
    kind: str
    detail: str


@dataclass
class Verdict:
    """What was counted, and each violation; more than 20 of a kind are only counted."""

    sent: int = 0
    acknowledged: int = 0
    repeats: int = 0
    received: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.counts

    def add(self, kind: str, detail: str) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= _TOLD:
            self.violations.append(Violation(kind, detail))


class _Ack(NamedTuple):
    conversation: str
    seq: int


class Checker:
    """Feed it each device's history, then ask for the verdict."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.verdict = Verdict()
        self._sent: set[str] = set()
        self._acks: dict[str, _Ack] = {}
        self._positions: dict[tuple[str, str], tuple[int, int]] = {}
        #: By device and conversation: the place from which on it was given every message.
        self.bases: dict[str, dict[str, int]] = {}
        self._changes: dict[str, dict[int, tuple[str, str]]] = defaultdict(dict)
        self._absences = absences(truth.changes)
        #: By conversation and row: the versions that it took, and when.
        self._taken: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
        for change in truth.changes:
            self._taken[change.conversation, change.key].append((change.version, change.at))
        self._check_store()

    # --- The database by itself -----------------------------------------------------------------

    def _check_store(self) -> None:
        """I2, I3: versions and places without gaps, each message once."""
        markers: dict[str, str] = {}
        for change in self.truth.changes:
            taken = self._changes[change.conversation].setdefault(
                change.version, (change.kind, change.key)
            )
            if taken != (change.kind, change.key):
                self._add("contradicted", f"version {change.version} was taken twice: {change}")
            if change.kind == "message" and len(change.marker) == 36 and _is_id(change.marker):
                first = markers.setdefault(change.marker, change.key)
                if first != change.key:
                    self._add("duplicated", f"{first} is stored again as {change.key}")
        seqs: dict[str, list[int]] = defaultdict(list)
        for conversation, seq, *_ in self.truth.messages.values():
            seqs[conversation].append(seq)
        for conversation, (last_seq, version, *_) in self.truth.conversations.items():
            if sorted(seqs[conversation]) != list(range(1, last_seq + 1)):
                self._add("out of order", f"the places in {conversation} are not 1 to {last_seq}")
            missing = set(range(1, version + 1)) ^ set(self._changes[conversation])
            if missing:
                some = sorted(missing)[:5]
                self._add("contradicted", f"the versions of {conversation} have holes: {some}")
        for (conversation, user), (_, _, left, read, got) in self.truth.memberships.items():
            last_seq = self.truth.conversations[conversation][0]
            if not left and not 0 <= read <= got <= last_seq:
                self._add("contradicted", f"{user} has read {read} of {got} of {last_seq}")

    # --- A device's history ---------------------------------------------------------------------

    def history(self, device: str, person: str, lines: Iterable[Line]) -> None:
        """Read what one device did and saw, in its order."""
        known: dict[str, int | None] = {}
        synced: dict[str, float] = {}
        seen: dict[tuple[str, str], int] = {}
        bases = self.bases.setdefault(device, {})
        resetting: set[str] = set()
        order: dict[str, dict[str, None]] = defaultdict(dict)
        for line in lines:
            match line["e"]:
                case "send":
                    if line["via"] == "socket":
                        order[line["c"]].setdefault(line["id"])
                    self._sent.add(line["id"])
                case "ack":
                    self._ack(device, line)
                case "in":
                    self._rows(device, person, line, known, synced, seen)
                    if line["y"] == "sync":
                        # It tells what the conversation itself is like now, beside the rows.
                        itself = (line["c"], line["c"])
                        seen[itself] = max(seen.get(itself, 0), line["to"])
                        self._base(line, bases, resetting)
                case "out":
                    known.pop(line["c"], None)
                case "at":
                    key = (line["c"], line["u"])
                    read, got = self._positions.get(key, (0, 0))
                    self._positions[key] = (max(read, line["read"]), max(got, line["got"]))
                case "refused":
                    # Its device lets it go, and later ones pass it.
                    for ids in order.values():
                        ids.pop(line["id"], None)
                    if line["code"] == "conflict":
                        self._add("contradicted", f"{device}: {line['id']} is said to be another")
        self._check_order(device, order)

    def _ack(self, device: str, line: Line) -> None:
        place = _Ack(line["c"], line["s"])
        if line["id"] in self._acks:
            self.verdict.repeats += 1
        first = self._acks.setdefault(line["id"], place)
        if first != place:
            self._add("duplicated", f"{device}: {line['id']} is at {first} and at {place}")
        if self._changes[line["c"]].get(line["v"]) != ("message", line["id"]):
            self._add(
                "contradicted", f"{device}: the ack of {line['id']} names version {line['v']}"
            )

    def _rows(
        self,
        device: str,
        person: str,
        line: Line,
        known: dict[str, int | None],
        synced: dict[str, float],
        seen: dict[tuple[str, str], int],
    ) -> None:
        conversation, by_rest = line["c"], line["y"] == "rest"
        base = self.bases[device].get(conversation, 1)
        before = None if line.get("reset") else known.get(conversation)
        changes = self._changes[conversation]
        spells = self._absences.get((conversation, person), [NEVER])
        for kind, key, version, seq in line["rows"]:
            self.verdict.received += 1
            if changes.get(version) != (kind, key):
                self._add(
                    "contradicted",
                    f"{device} got {kind} {key} as version {version} of {conversation},"
                    f" which is {changes.get(version)}",
                )
            elif kind == "message" and self.truth.messages[key][1] != seq:
                self._add("out of order", f"{device} got {key} at place {seq}")
            for above, below, until in spells:
                if above < version < below and line["t"] < until - _CLOCKS:
                    self._add(
                        "leaked",
                        f"{device} got version {version} of {conversation} by {line['y']}"
                        f" at {line['t']:.3f},"
                        f" out since {above}, until {until:.3f}",
                    )
            if by_rest:
                continue
            # What was said to be complete must not get older news (I4).
            row = (conversation, key)
            # Messages from before a reset's page aside: those it was not given.
            mine = kind != "message" or seq >= base
            if (
                mine
                and before is not None
                and seen.get(row, 0) < version <= before
                and not self._changed_meanwhile(row, before, synced.get(conversation, 0.0))
            ):
                self._add(
                    "out of order",
                    f"{device} got {kind} {key}, version {version}, after it had"
                    f" everything to {before} of {conversation}",
                )
            seen[row] = max(seen.get(row, 0), version)
        if not by_rest:
            known[conversation] = line["known"]
        if line["y"] == "sync" and not line["more"]:
            synced[conversation] = line["t"]

    def _changed_meanwhile(self, row: tuple[str, str], known: int, synced: float) -> bool:
        """Whether the last sync had to leave the row out: it was newer already than what it told.

        It comes with its new version; what it was before may come late, and means nothing.
        """
        return any(version > known and at <= synced + _CLOCKS for version, at in self._taken[row])

    @staticmethod
    def _base(line: Line, bases: dict[str, int], resetting: set[str]) -> None:
        """A reset brings the newest page: from there on nothing may be missing."""
        conversation = line["c"]
        seqs = [seq for kind, _, _, seq in line["rows"] if kind == "message"]
        if line["reset"]:
            bases[conversation] = min(seqs, default=line["last"] + 1)
        elif conversation in resetting:
            bases[conversation] = min([bases[conversation], *seqs])
        if line["more"] and (line["reset"] or conversation in resetting):
            resetting.add(conversation)
        else:
            resetting.discard(conversation)

    def _check_order(self, device: str, order: Mapping[str, Iterable[str]]) -> None:
        """I6: what one device says in a conversation keeps its order."""
        for conversation, ids in order.items():
            seqs = [self._acks[each].seq for each in ids if each in self._acks]
            if seqs != sorted(seqs):
                self._add("out of order", f"{device} wrote in another order into {conversation}")

    # --- The end --------------------------------------------------------------------------------

    def finish(self) -> Verdict:
        """The verdict, after all histories: acknowledged means stored (I1, I2, I8)."""
        for message, (conversation, seq) in self._acks.items():
            stored = self.truth.messages.get(message)
            if stored is None:
                self._add("lost", f"{message} was acknowledged and is not stored")
            elif stored[:2] != (conversation, seq):
                self._add(
                    "contradicted", f"{message} was acknowledged at {seq}, stored at {stored[:2]}"
                )
        for message, stored in self.truth.messages.items():
            if stored[4] == "text" and message not in self._sent:
                self._add("duplicated", f"{message} is stored, and nobody sent it")
        for (conversation, user), (read, got) in self._positions.items():
            membership = self.truth.memberships.get((conversation, user))
            if membership is None or read > membership[3] or got > membership[4]:
                self._add("contradicted", f"a position of {user} in {conversation} went back")
        self.verdict.sent = len(self._sent)
        self.verdict.acknowledged = len(self._acks)
        return self.verdict

    @property
    def acknowledged(self) -> set[str]:
        return set(self._acks)

    def _add(self, kind: str, detail: str) -> None:
        self.verdict.add(kind, detail)


def _is_id(text: str) -> bool:
    return text.count("-") == 4 and " " not in text
