"""What people do all day: write, edit, delete, come, go, rename; by a seed, until told to stop."""

import asyncio
import random
import uuid
from collections.abc import Coroutine, Sequence
from typing import Any

from pneumatic.proof.device import Device
from pneumatic.proof.outbox import Letter
from pneumatic.proof.people import Cast, Group
from pneumatic.proof.rest import Rest

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
#: Seconds until somebody who was removed is brought back.
_AWAY = (0.5, 5.0)
_NEW_GROUPS = 5


class Activity:
    """Devices that write, and chores by REST."""

    def __init__(
        self,
        cast: Cast,
        devices: Sequence[Device],
        rest: Rest,
        *,
        rate: float,
        chores: float,
        seed: int,
    ) -> None:
        self.chores = 0
        self._groups = list(cast.groups)
        self._new = 0
        self._devices = devices
        self._people = {person.id: person for person in cast.people}
        self._rest = rest
        self._rate = rate
        self._chore_rate = rate * chores
        self._rng = random.Random(seed)
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
        token = self._people[device.person].rest
        path = f"conversations/{letter.conversation}/messages/"
        for _ in range(3):
            device.notes.sent(letter.id, letter.conversation, "rest")
            answer = await self._rest.ask(
                token, "POST", path, json={"id": letter.id, "body": letter.body}
            )
            if answer is not None and answer.is_success:
                row = answer.json()
                ack = {**row, "duplicate": answer.status_code == 200}
                device.notes.ack(ack, "rest")
                return
            if answer is not None and answer.status_code < 500:
                device.notes.write("refused", id=letter.id, code=answer.status_code)
                return
            await asyncio.sleep(0.5)

    # --- Chores ---------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        kinds = [self._edit, self._delete, self._remove, self._leave, self._role, self._rename]
        weights = [6, 2, 3, 1, 2, 1]
        while self._running:
            await asyncio.sleep(min(self._rng.expovariate(self._chore_rate), 2.0))
            (kind,) = self._rng.choices(kinds, weights)
            self.spawn(kind())
            if self._new < _NEW_GROUPS and self._rng.random() < 0.01:
                self.spawn(self._begin())

    async def _do(self, person: str, method: str, path: str, body: Any = None) -> bool:
        token = self._people[person].rest
        options = {} if body is None else {"json": body}
        answer = await self._rest.ask(token, method, f"conversations/{path}", **options)
        done = answer is not None and answer.is_success
        self.chores += done
        return done

    async def _edit(self) -> None:
        device = self._rng.choice(self._devices)
        if device.acked:
            conversation, message = self._rng.choice(device.acked)
            body = f"{message} {self.words(self._rng)} (edited)"
            await self._do(
                device.person, "PATCH", f"{conversation}/messages/{message}/", {"body": body}
            )

    async def _delete(self) -> None:
        device = self._rng.choice(self._devices)
        if device.acked:
            conversation, message = self._rng.choice(device.acked)
            await self._do(device.person, "DELETE", f"{conversation}/messages/{message}/")

    async def _remove(self) -> None:
        group, member = self._somebody()
        by = self._rng.choice([group.owner, *group.admins])
        if by != member:
            await self._do(by, "DELETE", f"{group.id}/members/{member}/")
            await self._back(group, member)

    async def _leave(self) -> None:
        group, member = self._somebody()
        await self._do(member, "DELETE", f"{group.id}/members/{member}/")
        await self._back(group, member)

    async def _back(self, group: Group, member: str) -> None:
        await asyncio.sleep(self._rng.uniform(*_AWAY))
        # One in eight stays away: somebody has to be out at the end.
        if self._rng.random() > 1 / 8:
            await self._do(group.owner, "POST", f"{group.id}/members/", {"user": member})

    async def _role(self) -> None:
        group, member = self._somebody()
        role = self._rng.choice(["admin", "member"])
        await self._do(group.owner, "PATCH", f"{group.id}/members/{member}/", {"role": role})

    async def _rename(self) -> None:
        group = self._rng.choice(self._groups)
        title = self.words(self._rng)[:60]
        await self._do(group.owner, "PATCH", f"{group.id}/", {"title": title})

    async def _begin(self) -> None:
        self._new += 1
        owner, *others = self._rng.sample(list(self._people), min(4, len(self._people)))
        group = Group(str(uuid.uuid4()), [owner, *others], owner, [])
        body = {"id": group.id, "title": f"New {self._new}", "members": others}
        if await self._do(owner, "POST", "", body):
            self._groups.append(group)

    def _somebody(self) -> tuple[Group, str]:
        group = self._rng.choice(self._groups)
        return group, self._rng.choice([each for each in group.members if each != group.owner])

    def _look_in(self, device: Device, conversation: str) -> None:
        """Somebody was put out: REST mustn't show them anything either."""

        async def look() -> None:
            rows = await self._rest.page(self._people[device.person].rest, conversation, None)
            if rows:
                device.notes.rest(conversation, rows)

        if self._running:
            self.spawn(look())
