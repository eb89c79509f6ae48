"""Times and queries of what people ask all day: `… PEOPLE CONVERSATIONS MESSAGES HEAVY TIMES`.

In our server's environment, on a database that `bench.history` filled with these numbers. Requests
go through the whole of Django, sockets through the whole consumer, in this process, which collects
garbage as a server does: no HTTP and no other process is in the times. Prints JSON: by operation,
milliseconds and the most queries.
"""

import json
import random
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import django
import uvloop

from bench.history import MEMBERS, id_of
from bench.measures import spread

if TYPE_CHECKING:
    from accounts.models import User

_PAGE = 50
_BEHIND = 5
_queries = 0


def _count_queries() -> None:
    """Of every connection that is opened from now on, Django's or one that has no need of it."""
    import psycopg
    from django.db.backends.signals import connection_created

    from pneumatic.lib.database.loopconnection import LoopConnection

    def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        global _queries
        _queries += 1
        return execute(sql, params, many, context)

    def attach(connection: Any, **_: Any) -> None:
        if count not in connection.execute_wrappers:
            connection.execute_wrappers.append(count)

    connection_created.connect(attach, weak=False)
    for kind, method in ((psycopg.Cursor, "execute"), (LoopConnection, "begin")):
        _count_calls(kind, method)


def _count_calls(kind: type, method: str) -> None:
    real = getattr(kind, method)

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        global _queries
        found = real(self, *args, **options)
        # Django's own cursors are of kinds that derive from this. False: it had to be prepared.
        _queries += type(self) is kind and found is not False
        return found

    setattr(kind, method, counted)


class _Asker:
    def __init__(self, people: int, conversations: int, messages: int, heavy: int) -> None:
        from django.test import Client

        from chat.queries import epoch

        self.conversations, self.each, self.heavy = conversations, messages // conversations, heavy
        self.people = people
        self.rng = random.Random(1)
        self.client = Client()
        self.epoch = str(epoch())
        self.version = MEMBERS + 1 + self.each

    def somebody(self) -> tuple["User", int]:
        """The owner of any conversation, and which one that is."""
        from accounts.models import User

        number = self.rng.randrange(self.heavy, self.conversations)
        return User.objects.get(id=id_of("u", number % self.people)), number

    def token(self, user: "User") -> str:
        from accounts.actions.sessions import open_session
        from accounts.tokens import issue

        return issue(open_session(user=user, device="bench")).access

    def ask(self, token: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer."""
        options: dict[str, Any] = {
            "headers": {"authorization": f"Bearer {token}", "host": "127.0.0.1"}
        }
        if body is None:
            answer = self.client.get(f"/api/v1/{path}", **options)
        else:
            options["content_type"] = "application/json"
            answer = self.client.post(f"/api/v1/{path}", json.dumps(body), **options)
        if answer.status_code >= 300:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.content[:300]!r}")
        return answer.json()

    def pages(self, token: str, path: str, pages: int) -> None:
        """Turn the pages of a list."""
        for _ in range(pages):
            answer = self.ask(token, path)
            if pages > 1 and answer["next"]:
                path = answer["next"].partition("/api/v1/")[2]

    # --- Operations: each prepares, and returns what is timed -------------------------------------

    def page(self) -> Callable[[], object]:
        user, number = self.somebody()
        token = self.token(user)
        before = self.rng.randrange(_PAGE, self.each)
        where = f"conversations/{id_of('c', number)}/messages/?before_seq={before}&limit={_PAGE}"
        return lambda: self.ask(token, where)

    def list(self) -> Callable[[], object]:
        """With what is unread in each conversation."""
        token = self.token(self.somebody()[0])
        return lambda: self.ask(token, "conversations/?limit=50")

    def sync(self) -> Callable[[], object]:
        """A device that misses five changes of one conversation, and knows the others."""
        from chat.queries import seats_of

        user, number = self.somebody()
        token = self.token(user)
        seats = seats_of(user)
        versions = {str(each.conversation_id): each.conversation.version for each in seats}
        versions[str(id_of("c", number))] -= _BEHIND
        return lambda: self.ask(token, "sync/", {"epoch": self.epoch, "versions": versions})

    # --- Over a socket ----------------------------------------------------------------------------

    async def send(self) -> float:
        """Seconds of one message, as the socket's handler sends it."""
        from bench.writing import as_the_handler
        from chat.actions.sending import Draft
        from pneumatic.lib.database.threads import in_database

        user, number = await in_database(self.somebody)
        draft = Draft(user, id_of("c", number), uuid.uuid4(), "x" * 250)
        _reset()
        begun = time.perf_counter()
        await as_the_handler(draft)
        self.counted = _queries
        return time.perf_counter() - begun

    # --- REST's lists, for the person who is in many conversations --------------------------------

    def paths(self) -> dict[str, tuple[str, int]]:
        """What is asked for, and how many pages of it."""
        talk = f"conversations/{id_of('c', 1)}/"
        return {
            "conversations (200, in two pages)": ("conversations/?limit=100", 2),
            "conversations (50)": ("conversations/?limit=50", 1),
            "messages (50)": (f"{talk}messages/", 1),
            "members": (f"{talk}members/", 1),
            "people (search)": ("users/?q=person1", 1),
            "sessions": ("auth/sessions/", 1),
        }

    async def hello(self, changed: int) -> float:
        """Seconds of a hello of person 0, who knows all but ``changed`` of the conversations."""
        from asgiref.testing import ApplicationCommunicator
        from channels.routing import get_default_application

        from accounts.models import User
        from chat.queries import seats_of
        from pneumatic.lib.database.threads import in_database

        user = await in_database(User.objects.get, id=id_of("u", 0))
        seats = await in_database(lambda: list(seats_of(user)))
        versions = {str(each.conversation_id): each.conversation.version for each in seats}
        for conversation in self.rng.sample(sorted(versions), changed):
            versions[conversation] -= 1
        token = await in_database(self.token, user)
        said = {"type": "hello", "token": token, "epoch": self.epoch, "versions": versions}
        scope = {
            "type": "websocket",
            "path": "/ws/",
            "headers": [(b"host", b"127.0.0.1")],
            "subprotocols": ["pneumatic.v1"],
            "client": ("127.0.0.1", 1),
            "query_string": b"",
        }
        communicator: Any = ApplicationCommunicator
        socket = communicator(get_default_application(), scope)
        await socket.send_input({"type": "websocket.connect"})
        await socket.receive_output(5)
        text = json.dumps(said)
        _reset()
        begun = time.perf_counter()
        await socket.send_input({"type": "websocket.receive", "text": text})
        while '"type":"synced"' not in (heard := await socket.receive_output(10)).get("text", ""):
            if heard["type"] == "websocket.close":
                raise RuntimeError(f"hello was refused: {heard}")
        taken = time.perf_counter() - begun
        self.counted = _queries
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait(10)
        return taken


def _reset() -> None:
    global _queries
    _queries = 0


def _timed(prepare: Callable[[], Callable[[], object]], times: int) -> dict[str, Any]:
    taken, most = [], 0
    for _ in range(times):
        work = prepare()
        _reset()
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
        most = max(most, _queries)
    # The first ones prepare statements and fill caches.
    return {"ms": spread(taken[min(5, times // 4) :], 1e3), "queries": most}


async def _timed_in_loop(
    asker: _Asker, work: Callable[[], Awaitable[float]], times: int
) -> dict[str, Any]:
    taken, queries = [], []
    for _ in range(times):
        taken.append(await work())
        queries.append(asker.counted)
    # What runs in the background asks now and then, too.
    usual = sorted(queries)[len(queries) // 2]
    return {"ms": spread(taken[min(5, times // 4) :], 1e3), "queries": usual}


async def _sockets(asker: _Asker, times: int) -> dict[str, Any]:
    from chat.ws.hub import close_hub, hub

    # As a server does before anybody comes: its bus carries what is announced.
    await hub().start()
    found = {"send": await _timed_in_loop(asker, asker.send, times)}
    for changed in (0, 10) if asker.heavy else ():
        name = f"hello ({asker.heavy}, {changed} changed)"
        found[name] = await _timed_in_loop(asker, partial(asker.hello, changed), times)
    await close_hub()
    return found


def main() -> None:
    _count_queries()
    django.setup()
    from accounts.models import User
    from pneumatic.server.draining import collect_seldom

    people, conversations, messages, heavy, times = map(int, sys.argv[1:])
    asker = _Asker(people, conversations, messages, heavy)
    collect_seldom()
    token = asker.token(User.objects.get(id=id_of("u", 0)))
    found = {name: _timed(getattr(asker, name), times) for name in ("page", "list", "sync")}
    if heavy:
        for name, (path, pages) in asker.paths().items():
            asked = partial(asker.pages, token, path, pages)
            found[name] = _timed(lambda asked=asked: asked, times)  # type: ignore[misc]
    found.update(uvloop.run(_sockets(asker, times)))
    json.dump({"operations": found, "token": token, "paths": asker.paths()}, sys.stdout)


if __name__ == "__main__":
    main()
