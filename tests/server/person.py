"""People who talk with a running server from outside."""

import asyncio
import json
import socket
import ssl
import uuid
from typing import Any, ClassVar, Self, cast

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.server.running import PATIENCE, Running

PASSWORD = "correct horse battery staple"
#: To make one reads all the certificates that there are; nobody uses it here.
_TLS = ssl.create_default_context()


class Person:
    """Somebody registered at a running server."""

    def __init__(self, server: Running, name: str) -> None:
        self.server = server
        self.name = name
        self.id = ""
        self.token = ""

    async def ask(self, path: str, wishes: dict[str, Any] | None = None) -> httpx.Response:
        """GET, or POST what is wished, as this person."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        base = f"{self.server.url}/api/v1/"
        async with httpx.AsyncClient(
            base_url=base, headers=headers, timeout=PATIENCE, verify=_TLS
        ) as client:
            return await (client.get(path) if wishes is None else client.post(path, json=wishes))

    async def register(self) -> Self:
        wishes = {
            "username": self.name,
            "email": f"{self.name}@example.org",
            "password": PASSWORD,
            "device": "test",
        }
        answer = await self.ask("auth/register/", wishes)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        self.id, self.token = body["user"]["id"], body["access"]
        return self

    async def group(self, *others: "Person", title: str = "Launch crew") -> str:
        """A new group; its id."""
        members = [each.id for each in others]
        wishes = {"kind": "group", "id": str(uuid.uuid4()), "title": title, "members": members}
        answer = await self.ask("conversations/", wishes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def post(self, group: str, body: str = "hello", id: str = "") -> httpx.Response:
        """Send a message by REST."""
        wishes = {"id": id or str(uuid.uuid4()), "body": body}
        return await self.ask(f"conversations/{group}/messages/", wishes)

    async def socket(self, **options: Any) -> "Socket":
        """A new socket, up to `synced`; `options` as for `Socket.connect`."""
        return await Socket(self).open(**options)


class Socket:
    """One device's socket from outside."""

    #: Those that no test has closed yet.
    open_ones: ClassVar[set["Socket"]] = set()

    def __init__(self, person: Person) -> None:
        self.person = person
        self.frames: list[dict[str, Any]] = []
        self._line: ClientConnection | None = None

    @property
    def line(self) -> ClientConnection:
        assert self._line is not None
        return self._line

    async def open(self, **options: Any) -> Self:
        await self.connect(**options)
        return await self.hello()

    async def hello(self) -> Self:
        """Say it, and take everything up to `synced`."""
        await self.say("hello", token=self.person.token, versions={})
        await self.expect("synced", ref=None)
        return self

    async def connect(self, *, receive_buffer: int = 0) -> Self:
        """Without a hello. With a small `receive_buffer` (bytes) a slow reader is soon behind."""
        server = self.person.server
        options: dict[str, Any] = {}
        if receive_buffer:
            options["sock"] = small = socket.socket()
            small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            small.connect(("127.0.0.1", server.port))
            options["max_queue"] = 1
        self._line = await connect(
            f"ws://127.0.0.1:{server.port}/ws/",
            origin=cast(Any, server.url),
            subprotocols=[cast(Any, "pneumatic.v1")],
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE,
            **options,
        )
        self.open_ones.add(self)
        return self

    async def say(self, kind: str, **fields: Any) -> None:
        await self.line.send(json.dumps({"type": kind, **fields}))

    async def send(self, group: str, body: str = "hello", id: str = "") -> dict[str, Any]:
        """Send a message; the `ack`, or the `error`."""
        message_id = id or str(uuid.uuid4())
        await self.say("message.send", ref=message_id, id=message_id, conversation=group, body=body)
        return await self.expect("ack", "error", ref=message_id)

    async def expect(self, *kinds: str, **fields: Any) -> dict[str, Any]:
        """The next frame of one of these types with these values."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for frame in self.frames:
                    if frame["type"] in kinds and all(
                        frame.get(name) == value for name, value in fields.items()
                    ):
                        self.frames.remove(frame)
                        return frame
                frame = json.loads(await self.line.recv())
                self.frames += frame["events"] if frame["type"] == "batch" else [frame]

    async def closed(self) -> int:
        """The close code that comes, after all that comes before."""
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    await self.line.recv()
            except ConnectionClosed:
                return self.line.close_code or 1006

    async def close(self) -> None:
        self.open_ones.discard(self)
        await self.line.close()

    async def abort(self) -> None:
        """Close it without a word: the server may be in any state."""
        self.open_ones.discard(self)
        self.line.transport.abort()
        await self.line.wait_closed()
