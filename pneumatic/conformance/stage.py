"""What a check plays on: the server's address, two people, and devices that are cleared away."""

import asyncio
import secrets
import uuid
from dataclasses import dataclass
from typing import Any, Final, Self

from pneumatic.conformance.clauses import BrokenError
from pneumatic.conformance.device import Device, Frame
from pneumatic.conformance.rest import Answer, Rest, seconds_left

#: A check shall not be surprised by the end of a token.
_FRESH_SECONDS: Final = 120.0


@dataclass
class Person:
    """Somebody who is signed in."""

    username: str
    password: str
    id: str
    session: str
    access: str
    refresh: str
    expires_at: str

    def renewed(self, pair: dict[str, Any]) -> None:
        """Take the tokens of a sign-in or a refresh over."""
        self.access, self.refresh = pair["access"], pair["refresh"]
        self.session, self.expires_at = pair["session"], pair["access_expires_at"]


class Stage:
    """Alice and bob and the doors of one server. What was opened or begun is closed again."""

    def __init__(self, rest: Rest, socket_url: str, alice: Person, bob: Person) -> None:
        self.rest = rest
        self.socket_url = socket_url
        self.alice = alice
        self.bob = bob
        #: What was odd about frames of the server, whichever check heard them.
        self.oddities: dict[str, None] = {}
        self.batches = 0
        self._devices: list[Device] = []
        self._groups: list[str] = []

    @classmethod
    async def set(cls, rest: Rest, socket_url: str, people: list[tuple[str, str]] | None) -> Self:
        """Sign these two people in, or register two new ones."""
        if people is None:
            alice, bob = [await _register(rest) for _ in range(2)]
        else:
            alice, bob = [await sign_in(rest, *each) for each in people]
        return cls(rest, socket_url, alice, bob)

    # --- People ---------------------------------------------------------------------------------

    async def ask(self, person: Person, method: str, path: str, body: Any = None) -> Answer:
        """A REST request of this person."""
        return await self.rest.ask(method, path, body, token=person.access)

    async def do(self, person: Person, method: str, path: str, body: Any = None) -> Any:
        """The same; it must succeed. Returns the body."""
        return (await self.ask(person, method, path, body)).good()

    async def second_session(self, person: Person) -> Person:
        """The same person, signed in once more."""
        return await sign_in(self.rest, person.username, person.password)

    async def keep_fresh(self) -> None:
        """Renew tokens that end soon."""
        for person in (self.alice, self.bob):
            if seconds_left(person.expires_at) < _FRESH_SECONDS:
                await refresh(self.rest, person)

    # --- Devices and conversations --------------------------------------------------------------

    def device(self, person: Person | None = None) -> Device:
        """A device with the person's token (None: with none), not yet open."""
        made = Device(self.socket_url, person.access if person else None, self.oddities)
        self._devices.append(made)
        return made

    async def online(self, person: Person, **hello: Any) -> Device:
        """A device that has said hello and knows everything."""
        made = self.device(person)
        await made.open()
        await made.hello(**hello)
        return made

    async def group(self, *others: Person, title: str = "Conformance") -> str:
        """A new group of alice's with these others; its id."""
        group_id = str(uuid.uuid4())
        wishes = {
            "id": group_id,
            "kind": "group",
            "title": title,
            "members": [each.id for each in others],
        }
        await self.do(self.alice, "POST", "conversations/", wishes)
        self._groups.append(group_id)
        return group_id

    async def add(self, group: str, person: Person) -> None:
        """Alice brings somebody in."""
        await self.do(self.alice, "POST", f"conversations/{group}/members/", {"user": person.id})

    async def remove(self, group: str, person: Person) -> None:
        """Alice takes somebody out."""
        await self.do(self.alice, "DELETE", f"conversations/{group}/members/{person.id}/")

    async def say(self, person: Person, group: str, body: str) -> Frame:
        """A message by REST; its row."""
        wishes = {"id": str(uuid.uuid4()), "body": body}
        row: Frame = await self.do(person, "POST", f"conversations/{group}/messages/", wishes)
        return row

    # --- Clearing away --------------------------------------------------------------------------

    async def clear(self) -> None:
        """After each check: close its devices."""
        devices, self._devices = self._devices, []
        self.batches += sum(each.batches for each in devices)
        await asyncio.gather(*(each.close() for each in devices))

    async def leave(self) -> None:
        """After the last one: close the groups, sign out."""
        await self.clear()
        await self.keep_fresh()
        for group in self._groups:
            # Some are closed already: 404 is as good.
            (await self.ask(self.alice, "DELETE", f"conversations/{group}/")).good(204, 404)
        for person in (self.alice, self.bob):
            (await self.ask(person, "POST", "auth/logout/")).good()


async def sign_in(rest: Rest, username: str, password: str) -> Person:
    """A new session; raises `BrokenError` where that fails."""
    wishes = {"username": username, "password": password, "device": "Conformance kit"}
    answer = await rest.ask("POST", "auth/token/", wishes)
    return _person(answer.good(200), password)


async def refresh(rest: Rest, person: Person) -> str:
    """Rotate the person's tokens; returns the new access token."""
    answer = await rest.ask("POST", "auth/token/refresh/", {"refresh": person.refresh})
    person.renewed(answer.good(200))
    return person.access


async def _register(rest: Rest) -> Person:
    name, password = f"conformance-{secrets.token_hex(6)}", secrets.token_urlsafe(18)
    wishes = {"username": name, "email": f"{name}@example.org", "password": password}
    answer = await rest.ask("POST", "auth/register/", wishes)
    return _person(answer.good(201), password)


def _person(pair: dict[str, Any], password: str) -> Person:
    missing = {"access", "refresh", "access_expires_at", "session", "user"} - set(pair)
    if missing:
        raise BrokenError(f"the answer to signing in lacks {', '.join(sorted(missing))}")
    return Person(
        username=pair["user"]["username"],
        password=password,
        id=pair["user"]["id"],
        session=pair["session"],
        access=pair["access"],
        refresh=pair["refresh"],
        expires_at=pair["access_expires_at"],
    )
