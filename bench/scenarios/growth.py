"""What people ask all day, by how much history there is, and in how many queries."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from bench.measures import medians, spread
from bench.rig import processes
from bench.rig.machine import cores, pinned
from bench.rig.ours import Ours
from bench.rig.stores import Stores

#: Messages for each conversation; there are as many people as conversations.
_EACH = 100


def run(
    stores: Stores,
    *,
    messages: Sequence[int] = (10_000, 100_000, 1_000_000, 10_000_000),
    times: int = 60,
    rounds: int = 3,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """By number of messages, with a hundred in each conversation and a person a conversation.

    Where there are 2,000 conversations or more, one person is in 1,000 of them.
    """
    with ExitStack() as stack:
        filled = {size: _filled(stack, stores, size, tell) for size in messages}
        runs: dict[int, list[dict[str, Any]]] = {size: [] for size in messages}
        for _ in range(rounds):
            # In turn, so that what else the machine does hits all sizes alike.
            for size, server in filled.items():
                with pinned(cores()[0]):
                    asked = processes.run(
                        server.folder,
                        "bench.asking",
                        [*_numbers(size), str(times)],
                        server.environment,
                    )
                runs[size].append(asked["operations"])
        found = {}
        for size in filled:
            found[str(size)] = medians(runs[size])
            for name, each in found[str(size)].items():
                tell(f"{size:,} messages: {name}: {each['ms']} in {each['queries']} queries")
    return found


def _numbers(messages: int) -> list[str]:
    conversations = max(10, messages // _EACH)
    heavy = 1000 if conversations >= 2000 else 0
    return [str(each) for each in (conversations, conversations, messages, heavy)]


def _filled(stack: ExitStack, stores: Stores, messages: int, tell: Callable[[str], None]) -> Ours:
    begun = time.monotonic()
    server = Ours(stack, stores, f"history-{messages}")
    processes.run(server.folder, "bench.history", _numbers(messages), server.environment)
    tell(f"{messages:,} messages written in {time.monotonic() - begun:.0f} s")
    return server


def rest(
    stores: Stores,
    *,
    conversations: int = 200,
    messages: int = 200_000,
    times: int = 100,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Over HTTP, one worker, one request at a time, for a person in so many conversations."""
    with ExitStack() as stack:
        server = Ours(stack, stores, "rest")
        people = max(conversations + 10, messages // _EACH)
        numbers = [str(each) for each in (people, people, messages, conversations)]
        processes.run(server.folder, "bench.history", numbers, server.environment)
        asked = processes.run(
            server.folder, "bench.asking", [*numbers, str(times)], server.environment
        )
        token = asked["token"]
        server.serve()
        connection = http.client.HTTPConnection("127.0.0.1", server.ports[0], timeout=30)
        found = {}
        for name, (path, pages) in asked["paths"].items():
            taken = [_seconds(connection, token, path, pages) for _ in range(times + 5)][5:]
            found[name] = {**asked["operations"][name], "ms": spread(taken, 1e3)}
            tell(f"{name}: {found[name]}")
    return found


def _seconds(connection: http.client.HTTPConnection, token: str, path: str, pages: int) -> float:
    """Until so many pages of a list are here."""
    begun, parsing = time.perf_counter(), 0.0
    for _ in range(pages):
        connection.request("GET", f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        if pages > 1:
            here = time.perf_counter()
            path = (json.loads(body)["next"] or path).partition("/api/v1/")[2] or path
            parsing += time.perf_counter() - here
    return time.perf_counter() - begun - parsing
