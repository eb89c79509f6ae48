"""A device in tests: it speaks `pneumatic.v1` with the real application, in this process."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any, Self

from channels.testing import WebsocketCommunicator

from accounts.models import User
from chat import protocol
from chat.models import Conversation
from chat.queries import seats_of
from chat.ws.hub import close_hub
from pneumatic.lib.database import asyncpostgres
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.shared import redisscript
from pneumatic.proof.mirror import Mirror
from pneumatic.testing.factories import make_token

Frame = dict[str, Any]
# How long an event may take to come; a bound for what is broken, not a delay.
_PATIENCE = 10.0
HEADERS = [(b"host", b"testserver"), (b"origin", b"http://testserver")]


class Device:
    """One device of a person; what it receives also goes into its `mirror`."""

    def __init__(
        self,
        token: str | None = None,
        *,
        user: User | None = None,
        mirror: Mirror | None = None,
        headers: list[tuple[bytes, bytes]] | None = None,
        subprotocols: list[str] | None = None,
    ) -> None:
        from pneumatic.asgi import application

        self.token = token
        self.user = user
        self.mirror = mirror or Mirror()
        self.waiting: list[Frame] = []
        self.received: list[Frame] = []
        self.close_code: int | None = None
        self.socket = WebsocketCommunicator(
            application,
            "/ws/",
            headers=HEADERS if headers is None else headers,
            subprotocols=[protocol.SUBPROTOCOL] if subprotocols is None else subprotocols,
        )

    # --- Opening and closing --------------------------------------------------------------------

    async def open(self) -> None:
        """Open the socket, and say nothing."""
        accepted, _ = await self.socket.connect(timeout=_PATIENCE)
        assert accepted

    async def hello(self, **fields: Any) -> Frame:
        """Open the socket, say hello as the mirror knows things, take everything up to `synced`."""
        await self.open()
        epoch, versions = self.mirror.position()
        hello = {"type": "hello", "token": self.token, "epoch": epoch, "versions": versions}
        await self.say(**{**hello, **fields})
        welcome = await self.expect("welcome")
        await self.expect("synced")
        return welcome

    async def close(self) -> None:
        """Go away without a word more."""
        with contextlib.suppress(asyncio.CancelledError):
            await self.socket.disconnect(timeout=_PATIENCE)

    async def __aenter__(self) -> Self:
        await self.hello()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- Talking --------------------------------------------------------------------------------

    async def say(self, **frame: Any) -> None:
        """Send a frame."""
        await self.say_text(json.dumps(frame, default=str))

    async def say_text(self, text: str) -> None:
        await self.socket.send_to(text_data=text)

    async def send(self, conversation: Conversation, body: str = "hello", **fields: Any) -> Frame:
        """Send a message and return its `ack`."""
        message_id = fields.pop("id", None) or uuid.uuid4()
        await self.begin_send(conversation, body, id=message_id, **fields)
        return await self.expect("ack", id=str(message_id))

    async def begin_send(
        self, conversation: Conversation, body: str = "hello", **fields: Any
    ) -> None:
        """Send a message, whatever its answer."""
        said = {"id": uuid.uuid4(), "conversation": conversation.id, "body": body, **fields}
        await self.say(type="message.send", **said)

    async def expect(self, kind: str, **fields: Any) -> Frame:
        """The next frame of this type with these values; others are kept for later."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                for frame in self.waiting:
                    if frame["type"] == kind and all(
                        frame.get(name) == value for name, value in fields.items()
                    ):
                        self.waiting.remove(frame)
                        return frame
                await self._receive()

    async def expect_close(self) -> int:
        """The code with which the server closes the socket."""
        async with asyncio.timeout(_PATIENCE):
            while self.close_code is None:
                await self._receive()
        return self.close_code

    async def has_everything(self) -> None:
        """Wait until live events have brought all that the person may see now."""
        assert self.user is not None
        seats = await in_database(list, seats_of(self.user))
        versions = {str(seat.conversation_id): seat.conversation.version for seat in seats}
        async with asyncio.timeout(_PATIENCE):
            while self.mirror.position()[1] != versions:
                await self._receive()

    async def refute(self, kind: str, **fields: Any) -> None:
        """No such frame has come, or comes before the answer to a ping sent now."""
        ref = str(uuid.uuid4())
        await self.say(type="ping", ref=ref)
        await self.expect("pong", ref=ref)
        for frame in self.waiting:
            if frame["type"] == kind and all(frame.get(n) == v for n, v in fields.items()):
                raise AssertionError(f"unexpected {frame}")

    async def sync(self, **fields: Any) -> None:
        """Ask for everything that is new, and take it."""
        epoch, versions = self.mirror.position()
        ref = str(uuid.uuid4())
        await self.say(
            **{"type": "sync", "ref": ref, "epoch": epoch, "versions": versions, **fields}
        )
        await self.expect("synced", ref=ref)

    async def _receive(self) -> None:
        message = await self.socket.receive_output(timeout=_PATIENCE)
        if message["type"] == "websocket.close":
            self.close_code = message.get("code", 1000)
            return
        frame = json.loads(message["text"])
        for each in frame["events"] if frame["type"] == "batch" else [frame]:
            self.mirror.apply(each)
            self.waiting.append(each)
            self.received.append(each)


async def device_of(user: User, **options: Any) -> Device:
    """A device on which the person has just signed in; not yet connected."""
    return Device(await in_database(make_token, user), user=user, **options)


@contextlib.asynccontextmanager
async def connected(*users: User) -> AsyncIterator[list[Device]]:
    """One connected device of each of these people."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(await device_of(user)) for user in users]


async def the_end() -> None:
    """Close what the application keeps for this event loop."""
    await close_hub()
    await redisscript.close()
    await asyncpostgres.close()
