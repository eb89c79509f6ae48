"""What people do beside writing: every other kind of change that there is, by REST."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pneumatic.proof.device import Device
from pneumatic.proof.people import Group
from pneumatic.proof.session import Session

#: Seconds until somebody who was removed is brought back.
_AWAY = (0.5, 5.0)
#: Groups that were begun during the run and are not closed yet: at most so many.
_NEW_GROUPS = 5


class Chores:
    """Dealt from a shuffled deck, so that each kind comes, and as often as it has cards."""

    def __init__(
        self,
        groups: Sequence[Group],
        devices: Sequence[Device],
        sessions: Mapping[str, Session],
        *,
        words: Callable[[random.Random], str],
        rng: random.Random,
    ) -> None:
        #: What was done, by kind.
        self.done: Counter[str] = Counter()
        self._groups = list(groups)
        self._new: list[Group] = []
        self._begun = 0
        self._devices = devices
        self._sessions = sessions
        self._words = words
        self._rng = rng
        self._cards = {
            self._edit: 6,
            self._delete: 2,
            self._remove: 3,
            self._leave: 1,
            self._role: 2,
            self._rename: 1,
            self._retell: 1,
            self._profile: 2,
            self._read: 2,
            self._begin: 1,
            self._meet: 1,
            self._close: 1,
        }
        self._deck: list[Callable[[], Coroutine[Any, Any, None]]] = []

    def next(self) -> Coroutine[Any, Any, None]:
        """The next chore, to be awaited."""
        if not self._deck:
            self._deck = [card for card, times in self._cards.items() for _ in range(times)]
            self._rng.shuffle(self._deck)
        return self._deck.pop()()

    async def _do(self, kind: str, person: str, method: str, path: str, body: Any = None) -> bool:
        answer = await self._sessions[person].ask(method, path, body)
        if answer is not None and answer.status == HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"The proof asks wrongly: {method} {path}: {answer.body}")
        done = answer is not None and answer.good
        self.done[kind] += done
        return done

    # --- Messages -------------------------------------------------------------------------------

    async def _edit(self) -> None:
        device = self._rng.choice(self._devices)
        if device.acked:
            conversation, message = self._rng.choice(device.acked)
            body = {"body": f"{message} {self._words(self._rng)} (edited)"}
            path = f"conversations/{conversation}/messages/{message}/"
            await self._do("edited", device.person, "PATCH", path, body)

    async def _delete(self) -> None:
        device = self._rng.choice(self._devices)
        if device.acked:
            conversation, message = self._rng.choice(device.acked)
            path = f"conversations/{conversation}/messages/{message}/"
            await self._do("deleted", device.person, "DELETE", path)

    async def _read(self) -> None:
        device = self._rng.choice(self._devices)
        if device.newest:
            conversation, seq = self._rng.choice(list(device.newest.items()))
            path = f"conversations/{conversation}/read/"
            await self._do("read", device.person, "POST", path, {"seq": seq})

    # --- Members --------------------------------------------------------------------------------

    async def _remove(self) -> None:
        group, member = self._somebody()
        by = self._rng.choice([group.owner, *group.admins])
        if by != member:
            await self._do("removed", by, "DELETE", f"{_members(group)}{member}/")
            await self._back(group, member)

    async def _leave(self) -> None:
        group, member = self._somebody()
        await self._do("left", member, "DELETE", f"{_members(group)}{member}/")
        await self._back(group, member)

    async def _back(self, group: Group, member: str) -> None:
        await asyncio.sleep(self._rng.uniform(*_AWAY))
        # One in eight stays away: somebody has to be out at the end.
        if self._rng.random() > 1 / 8:
            await self._do("joined", group.owner, "POST", _members(group), {"user": member})

    async def _role(self) -> None:
        group, member = self._somebody()
        role = {"role": self._rng.choice(["admin", "member"])}
        await self._do("role", group.owner, "PATCH", f"{_members(group)}{member}/", role)

    async def _profile(self) -> None:
        person = self._rng.choice(list(self._sessions))
        name = {"display_name": self._words(self._rng)[:40]}
        await self._do("profile", person, "PATCH", "users/me/", name)

    # --- Conversations --------------------------------------------------------------------------

    async def _rename(self) -> None:
        await self._change("renamed", "title")

    async def _retell(self) -> None:
        await self._change("topic", "topic")

    async def _change(self, kind: str, field: str) -> None:
        group = self._rng.choice(self._groups)
        body = {field: self._words(self._rng)[:60]}
        await self._do(kind, group.owner, "PATCH", f"conversations/{group.id}/", body)

    async def _begin(self) -> None:
        if len(self._new) >= _NEW_GROUPS:
            return
        self._begun += 1
        owner, *others = self._rng.sample(list(self._sessions), min(4, len(self._sessions)))
        group = Group(str(uuid.uuid4()), [owner, *others], owner, [])
        title = f"New {self._begun}"
        body = {"id": group.id, "kind": "group", "title": title, "members": others}
        if await self._do("begun", owner, "POST", "conversations/", body):
            self._groups.append(group)
            self._new.append(group)

    async def _meet(self) -> None:
        one, other = self._rng.sample(list(self._sessions), 2)
        await self._do("met", one, "POST", "conversations/direct/", {"user": other})

    async def _close(self) -> None:
        # One at least stays, to be written in.
        if len(self._new) > 1:
            group = self._new.pop(0)
            self._groups.remove(group)
            await self._do("closed", group.owner, "DELETE", f"conversations/{group.id}/")

    def _somebody(self) -> tuple[Group, str]:
        group = self._rng.choice(self._groups)
        return group, self._rng.choice([each for each in group.members if each != group.owner])


def _members(group: Group) -> str:
    return f"conversations/{group.id}/members/"
