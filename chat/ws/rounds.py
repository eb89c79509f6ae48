"""Envelopes on their way through a large room, some hundred sockets at a time.

To write to ten thousand sockets takes a tenth of a second, in which the process would do nothing
else. So a round lets the event loop do something between any two parts of the room, and what comes
for the room meanwhile joins the round where it is: each part is handed all that is new since its
last turn. The more comes, the more each write carries.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeVar

from pneumatic.lib.realtime import Envelope

S = TypeVar("S")

#: Sockets of a part: one to three milliseconds of writes.
PART: Final = 128


class _Part(Generic[S]):
    __slots__ = ("seen", "sockets")

    def __init__(self, sockets: Iterable[S], seen: int) -> None:
        self.sockets = set(sockets)
        #: How many of the round's envelopes they were handed, or came too late for.
        self.seen = seen


class Round(Generic[S]):
    """The sockets of a room in their parts, and what was handed on to which of them."""

    __slots__ = ("_envelopes", "_forgotten", "_parts")

    def __init__(self, sockets: Iterable[S]) -> None:
        every = tuple(sockets)
        #: The one whose turn is next is the first, and the one that has seen least.
        self._parts = deque(
            _Part(every[start : start + PART], 0) for start in range(0, len(every), PART)
        )
        self._envelopes: list[Envelope] = []
        #: How many there were before these, which all parts have seen.
        self._forgotten = 0

    @property
    def _came(self) -> int:
        return self._forgotten + len(self._envelopes)

    def add(self, envelopes: Iterable[Envelope]) -> None:
        """For every socket that is here now, after what came before."""
        self._envelopes += envelopes

    def enter(self, socket: S) -> None:
        """It is handed what comes from now on."""
        self._append(_Part([socket], self._came))

    def leave(self, socket: S) -> None:
        """It is handed nothing more."""
        for part in self._parts:
            part.sockets.discard(socket)

    def turn(self) -> tuple[Sequence[S], Sequence[Envelope]] | None:
        """Some sockets, and what they are to be handed now; None at the end of the round."""
        if not self._parts or self._parts[0].seen == self._came:
            return None
        part = self._parts.popleft()
        due = self._envelopes[part.seen - self._forgotten :]
        part.seen = self._came
        self._append(part)
        least = self._parts[0].seen
        del self._envelopes[: least - self._forgotten]
        self._forgotten = least
        return tuple(part.sockets), due

    def _append(self, part: _Part[S]) -> None:
        last = self._parts[-1] if self._parts else None
        # Else who comes and goes would leave ever more and smaller parts.
        if last and last.seen == part.seen and len(last.sockets) + len(part.sockets) <= PART:
            last.sockets |= part.sockets
        else:
            self._parts.append(part)
