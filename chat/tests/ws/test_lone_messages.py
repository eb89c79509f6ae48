"""A message that comes while nobody else writes: the same answers, without a task for any of it."""

import asyncio
import threading
import uuid
from typing import Any

import pytest
from django.db import transaction

from chat.actions import storing_at_once
from chat.models import Conversation
from chat.ws import posting
from pneumatic.lib.database import asyncpostgres
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
        await alice.say(
            type="message.send", id=one, conversation=live_world.group.id, body="other", ref="r"
        )
        assert (await alice.expect("error", ref="r"))["code"] == "conflict"


async def test_what_is_refused_is_refused_in_the_same_words(
    live_world: World, alone: list[bool]
) -> None:
    other = await in_database(make_direct, live_world.bob, live_world.charlie)
    async with connected(live_world.alice) as (alice,):
        await alice.send(live_world.group)
        await alice.say(
            type="message.send", id=uuid.uuid4(), conversation=other.id, body="hi", ref="a"
        )
        assert (await alice.expect("error", ref="a"))["code"] == "not_found"
        assert alone[-1], "it was begun at once"
        await alice.say(
            type="message.send", id=uuid.uuid4(), conversation=live_world.group.id, body="", ref="b"
        )
        assert list((await alice.expect("error", ref="b"))["errors"]) == ["body"]
        await alice.send(live_world.group)


async def test_one_whose_conversation_is_locked_waits_for_that(
    live_world: World, alone: list[bool], in_turn: list[int]
) -> None:
    locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Conversation.objects.select_for_update().get(id=live_world.group.id)
            locked.set()
            release.wait(10)

    async with connected(live_world.alice) as (alice,):
        first = await alice.send(live_world.group)
        holder = asyncio.create_task(in_database(hold))
        await asyncio.to_thread(locked.wait, 10)
        await alice.say(
            type="message.send",
            id=uuid.uuid4(),
            conversation=live_world.group.id,
            body="hi",
            ref="r",
        )
        async with asyncio.timeout(10):
            while len(in_turn) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert alone[1], "it was begun at once"
        release.set()
        await holder
        assert (await alice.expect("ack", ref="r"))["seq"] == first["seq"] + 1


async def test_what_follows_it_is_answered_after_it(live_world: World, alone: list[bool]) -> None:
    async with connected(live_world.alice) as (alice,):
        await alice.send(live_world.group)
        for number in range(5):
            await alice.say(
                type="message.send",
                id=uuid.uuid4(),
                conversation=live_world.group.id,
                body=f"{number}",
                ref=f"{number}",
            )
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

        def cut(sql: str, parameters: Any, answered: Any, meanwhile: Any = tuple) -> bool:
            return real("SELECT pg_terminate_backend(pg_backend_pid())", [], answered, meanwhile)

        await asyncpostgres.rows("SELECT pg_terminate_backend(%s)", [-1])
        monkeypatch.setattr(asyncpostgres, "begin", cut)
        assert not (await alice.send(live_world.group))["duplicate"]


async def test_a_defect_in_its_answer_does_not_leave_the_device_waiting_for_ever(
    live_world: World, alone: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(live_world.alice) as (alice,):
        await alice.send(live_world.group)
        failed = asyncio.Event()

        def fail(*_: Any) -> None:
            monkeypatch.undo()
            failed.set()
            raise ZeroDivisionError

        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        monkeypatch.setattr(posting, "_acknowledge", fail)
        await alice.say(
            type="message.send", id=uuid.uuid4(), conversation=live_world.group.id, body="hi"
        )
        await asyncio.wait_for(failed.wait(), 10)
        await alice.say(type="ping", ref="r")
        assert (await alice.expect("pong"))["ref"] == "r"
