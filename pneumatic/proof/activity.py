"""What people do all day: write, and the chores; by a seed, until told to stop."""

import asyncio
import random
from collections.abc import Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pneumatic.proof.chores import Chores
from pneumatic.proof.device import Device
from pneumatic.proof.outbox import Letter
from pneumatic.proof.people import Group
from pneumatic.proof.session import Session

_WORDS = (
    "air",
    "brass",
    "canister",
    "dispatch",
    "echo",
    "forward",
    "glass",
    "hiss",
    "intake",
    "junction",
    "kiosk",
    "letter",
)
#: More letters than this waiting: the server is away, and people wait too.
_PATIENT = 3


class Activity:
    """Devices that write, and chores by REST."""

    def __init__(
        self,
        groups: Sequence[Group],
        devices: Sequence[Device],
        sessions: Mapping[str, Session],
        *,
        rate: float,
        chores: float,
        seed: int,
    ) -> None:
        self._devices = devices
        #: By person: in whose name REST is asked.
        self._sessions = sessions
        self._rate = rate
        self._chore_rate = rate * chores
        self._rng = random.Random(seed)
        self.chores = Chores(
            groups, devices, sessions, words=self.words, rng=random.Random(self._rng.random())
        )
        self._running = True
        self._tasks: set[asyncio.Task[None]] = set()
        for device in devices:
            device.removed = self._look_in

    def start(self) -> None:
        for number, device in enumerate(self._devices):
            self.spawn(self._write(device, random.Random(f"{self._rng.random()}{number}")))
        self.spawn(self._keep_house())

    async def stop(self) -> None:
        """Begin nothing more, and wait for what was begun."""
        self._running = False
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def words(self, rng: random.Random) -> str:
        return " ".join(rng.choices(_WORDS, k=rng.randint(1, 12)))

    # --- Writing --------------------------------------------------------------------------------

    async def _write(self, device: Device, rng: random.Random) -> None:
        each = len(self._devices) / self._rate
        while self._running:
            # Short naps, so that the end of the run is noticed.
            await asyncio.sleep(min(rng.expovariate(1 / each), 3.0))
            if self._has_something_to_say(device):
                conversation = rng.choice(device.conversations())
                if rng.random() < 0.03:
                    self.spawn(self.send_by_rest(device, Letter(conversation, self.words(rng))))
                else:
                    device.compose(conversation, self.words(rng))

    def _has_something_to_say(self, device: Device) -> bool:
        waits = len(device.outbox) >= _PATIENT
        return self._running and not waits and bool(device.conversations())

    async def send_by_rest(self, device: Device, letter: Letter) -> None:
        """Send a letter by REST, three times at most; the answer is noted as the device's."""
        path = f"conversations/{letter.conversation}/messages/"
        for _ in range(3):
            device.notes.sent(letter.id, letter.conversation, "rest")
            body = {"id": letter.id, "body": letter.body}
            answer = await self._sessions[device.person].ask("POST", path, body)
            if answer is not None and answer.good:
                ack = {**answer.body, "duplicate": answer.status == HTTPStatus.OK}
                device.notes.ack(ack, "rest")
                return
            if answer is not None and not answer.failed:
                device.notes.write("refused", id=letter.id, code=answer.status)
                return
            await asyncio.sleep(0.5)

    # --- Chores ---------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        while self._running:
            await asyncio.sleep(min(self._rng.expovariate(self._chore_rate), 2.0))
            self.spawn(self.chores.next())

    def _look_in(self, device: Device, conversation: str) -> None:
        """Somebody was put out: REST mustn't show them anything either."""

        async def look() -> None:
            rows = await self._sessions[device.person].page(conversation)
            if rows:
                device.notes.rest(conversation, rows)

        if self._running:
            self.spawn(look())
