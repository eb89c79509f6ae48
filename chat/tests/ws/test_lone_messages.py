"""A message that comes while nobody else writes: the same answers, without a task for any of it."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chat.actions import storing_at_once
from chat.tests.ws.locking import locked
from chat.ws import posting
from pneumatic.lib import tracing
from pneumatic.lib.database import asyncpostgres, outages, threads
from pneumatic.lib.database.postgres import NoAnswer
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_direct
from pneumatic.testing.socket import connected

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs_postgres,
]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each message whether it was begun at once."""
    begun: list[bool] = []
    real = storing_at_once.begin

    def begin(*args: Any, **options: Any) -> bool:
        begun.append(real(*args, **options))
        return begun[-1]

    monkeypatch.setattr(storing_at_once, "begin", begin)
    return begun


@pytest.fixture
def in_turn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many went into the database together, of those that were not begun at once."""
    batches: list[int] = []
    real = storing_at_once.astore

    async def astore(drafts: Any, *, wait: bool) -> Any:
        batches.append(len(drafts))
        return await real(drafts, wait=wait)

    monkeypatch.setattr(storing_at_once, "astore", astore)
    return batches


async def test_it_is_stored_acknowledged_and_delivered(
    live_world: World, alone: list[bool], in_turn: list[int]
) -> None:
    async with connected(live_world.alice, live_world.bob) as (alice, bob):
        first = await alice.send(live_world.group)
        assert alone == [False], "nothing is connected yet"
        second = await alice.send(live_world.group, "again")
        assert (alone, in_turn) == ([False, True], [1])
        assert second["seq"] == first["seq"] + 1
        assert not second["duplicate"]
        message = await bob.expect("message", version=second["version"])
        assert message["data"]["body"] == "again"
        assert message["data"]["created_at"] == second["created_at"]


async def test_sent_again_it_is_the_same(live_world: World, alone: list[bool]) -> None:
    one = uuid.uuid4()
    async with connected(live_world.alice) as (alice,):
        await alice.send(live_world.group)
        first = await alice.send(live_world.group, id=one)
        again = await alice.send(live_world.group, id=one)
        assert alone[1:3] == [True, True]
        assert (first["duplicate"], again["duplicate"]) == (False, True)
        assert again["seq"] == first["seq"]
        await alice.begin_send(live_world.group, "other", id=one, ref="r")
        assert (await alice.expect("error", ref="r"))["code"] == "conflict"


async def test_what_is_refused_is_refused_in_the_same_words(
    live_world: World, alone: list[bool]
) -> None:
    other = await in_database(make_direct, live_world.bob, live_world.charlie)
    async with connected(live_world.alice) as (alice,):
        await alice.send(live_world.group)
        await alice.begin_send(other, "hi", ref="a")
        assert (await alice.expect("error", ref="a"))["code"] == "not_found"
        assert alone[-1], "it was begun at once"
        await alice.begin_send(live_world.group, "", ref="b")
        assert list((await alice.expect("error", ref="b"))["errors"]) == ["body"]
        await alice.send(live_world.group)


async def test_one_whose_conversation_is_locked_waits_for_that(
    live_world: World, alone: list[bool], in_turn: list[int]
) -> None:
    async with connected(live_world.alice) as (alice,):
        first = await alice.send(live_world.group)
        async with locked(live_world.group), asyncio.timeout(10):
            await alice.begin_send(live_world.group, "hi", ref="r")
            while len(in_turn) < 2:  # noqa: ASYNC110 - a list tells nobody
                await asyncio.sleep(0.01)
            assert alone[1], "it was begun at once"
        assert (await alice.expect("ack", ref="r"))["seq"] == first["seq"] + 1


async def test_what_follows_it_is_answered_after_it(live_world: World, alone: list[bool]) -> None:
    async with connected(live_world.alice) as (alice,):
        await alice.send(live_world.group)
        for number in range(5):
            await alice.begin_send(live_world.group, f"{number}", ref=f"{number}")
            await alice.say(type="ping", ref=f"after {number}")
        refs = [
            (await alice.expect("ack" if turn % 2 == 0 else "pong"))["ref"] for turn in range(10)
        ]
        assert refs == [f"{word}{n}" for n in range(5) for word in ("", "after ")]
        assert any(alone)


async def test_a_database_that_fails_meanwhile_is_told_or_asked_again(
    live_world: World, alone: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(live_world.alice) as (alice,):
        await alice.send(live_world.group)
        real = asyncpostgres.begin
        sql = "SELECT pg_terminate_backend(CASE WHEN %s::bool THEN pg_backend_pid() ELSE -1 END)"

        def cut(_: str, __: Any, answered: Any, meanwhile: Any = tuple) -> bool:
            return real(sql, [True], answered, meanwhile)

        await asyncpostgres.rows(sql, [False])
        monkeypatch.setattr(asyncpostgres, "begin", cut)
        assert not (await alice.send(live_world.group))["duplicate"]
        assert alone[-1], "it was begun at once"


async def test_a_database_that_says_nothing_is_asked_once(
    live_world: World, alone: list[bool], in_turn: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(live_world.alice) as (alice,):
        await alice.send(live_world.group)
        real = asyncpostgres.begin
        asked = "SELECT pg_sleep(%s::int)"

        def hang(_: str, __: Any, answered: Any, meanwhile: Any = tuple) -> bool:
            return real(asked, [20], answered, meanwhile)

        await asyncpostgres.rows(asked, [0])
        monkeypatch.setattr(asyncpostgres, "begin", hang)
        for module in (asyncpostgres, threads):
            monkeypatch.setattr(module, "SECONDS", 0.2)
        await alice.begin_send(live_world.group, "hi", ref="r")
        assert (await alice.expect("error", ref="r"))["code"] == "unavailable"
        assert (alone, in_turn) == ([False, True], [1]), "there is no time left to ask again"
        monkeypatch.undo()
        assert not (await alice.send(live_world.group))["duplicate"]


@pytest.mark.parametrize(
    ("where", "what", "answer"),
    [
        (posting, "_acknowledge", "error"),
        (storing_at_once, "_written", "error"),
        # These are asked again.
        (storing_at_once._Ahead, "announce", "ack"),
        (outages, "_renew_pool", "ack"),
    ],
)
async def test_a_defect_of_ours_costs_a_device_neither_its_socket_nor_its_answer(
    live_world: World, monkeypatch: pytest.MonkeyPatch, where: Any, what: str, answer: str
) -> None:
    async with connected(live_world.alice) as (alice,):
        await alice.send(live_world.group)

        def fail(*_: Any) -> None:
            monkeypatch.undo()
            raise ZeroDivisionError

        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        if where is outages:
            sql = "SELECT pg_sleep(%s::int)"
            real = asyncpostgres.begin
            await asyncpostgres.rows(sql, [0])
            monkeypatch.setattr(
                asyncpostgres, "begin", lambda _, __, told, then: real(sql, [20], told, then)
            )
            monkeypatch.setattr(asyncpostgres, "SECONDS", 0.1)
            monkeypatch.setattr(NoAnswer, "is_lost", True, raising=False)
        monkeypatch.setattr(where, what, fail)
        await alice.begin_send(live_world.group, "hi", ref="r")
        await alice.expect(answer, ref="r")
        assert not (await alice.send(live_world.group))["duplicate"]


async def test_it_has_one_span_where_somebody_traces(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = list[str]()

    @contextmanager
    def span(name: str, **_: Any) -> Iterator[None]:
        spans.append(name)
        yield

    async with connected(live_world.alice) as (alice,):
        await alice.send(live_world.group)
        monkeypatch.setattr(tracing, "span", span)
        monkeypatch.setattr(tracing, "is_on", lambda: True)
        await alice.send(live_world.group)
        monkeypatch.undo()
    assert spans.count("socket.frame") == 1
