"""What a device has to say: in order, one message of a conversation at a time, until answered."""

import uuid
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from pneumatic.proof.history import now


@dataclass(frozen=True)
class Pace:
    """How quickly devices notice and act, in seconds."""

    heartbeat: float = 3.0
    #: The longest wait before coming back; the protocol has 30.
    backoff: float = 4.0
    backoff_base: float = 0.5


@dataclass
class Letter:
    """A message under the id that its device gave it; it keeps it however often it is sent."""

    conversation: str
    words: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    #: When it was sent last and not answered; 0 when it has to be sent (again).
    sent_at: float = 0.0
    #: Not before this moment.
    not_before: float = 0.0

    @property
    def body(self) -> str:
        # The id again, so that a copy stored under another id can be told.
        return f"{self.id} {self.words}"


class Outbox:
    """The letters of a device that are not answered yet."""

    def __init__(self, patience: float) -> None:
        #: Seconds after which an answer is taken for lost.
        self.patience = patience
        self.answered = 0
        self._letters: dict[str, deque[Letter]] = defaultdict(deque)

    def __len__(self) -> int:
        return sum(len(letters) for letters in self._letters.values())

    def put(self, letter: Letter) -> None:
        self._letters[letter.conversation].append(letter)

    def due(self) -> Iterator[Letter]:
        """The letters to send now, each marked as sent: at most one of each conversation."""
        at = now()
        for letters in self._letters.values():
            if not letters:
                continue
            first = letters[0]
            if first.not_before <= at and (not first.sent_at or at - first.sent_at > self.patience):
                first.sent_at = at
                yield first

    def answer(self, id: str) -> bool:
        """The letter is done with, stored or refused; False where it wasn't waiting."""
        for letters in self._letters.values():
            if letters and letters[0].id == id:
                letters.popleft()
                self.answered += 1
                return True
        return False

    def later(self, id: str, seconds: float) -> None:
        """Try the letter again after that time."""
        for letters in self._letters.values():
            if letters and letters[0].id == id:
                letters[0].sent_at, letters[0].not_before = 0.0, now() + seconds

    def disconnected(self) -> None:
        """No answer comes any more: all that was sent has to be sent again."""
        for letters in self._letters.values():
            if letters:
                letters[0].sent_at = 0.0
