"""Heartbeats ask together: one read for all who wait, and never one that began before the ask."""

import asyncio
import threading
from collections.abc import Collection
from typing import Any
from uuid import UUID

import pytest

from chat.actions.members import add_member, remove_member
from chat.models import Conversation
from chat.queries import Standing, standings_of
from chat.ws import standings as module
from chat.ws.standings import Standings
from pneumatic.lib import realtime
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import Unavailable
from pneumatic.testing.factories import World, say
from pneumatic.testing.socket import connected

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


class Reads:
    """What is read for whom; each read waits, before it looks, until it may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.of = list[set[UUID]]()
        self.may = threading.Event()
        self.may.set()
        self.failure: Exception | None = None
        monkeypatch.setattr(module, "standings_of", self.read)

    def read(self, user_ids: Collection[UUID]) -> dict[UUID, Standing]:
        self.of.append(set(user_ids))
        found = standings_of(user_ids)
        assert self.may.wait(10)
        if self.failure is not None:
            raise self.failure
        return found


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_who_asks_at_the_same_time_shares_one_read(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, reads, asked = live_world, Reads(monkeypatch), Standings()
    everybody = [world.alice.id, world.bob.id, world.charlie.id]
    # The second one's two devices, too.
    found = await asyncio.gather(
        *(asked.of(each, patient=True) for each in (*everybody, world.bob.id))
    )
    assert reads.of == [set(everybody)]
    version = (await in_database(Conversation.objects.get, id=world.group.id)).version
    in_it = {world.group.id: version}
    assert [each.versions for each in found] == [in_it, in_it, {}, in_it]
    assert len({each.epoch for each in found}) == 1


async def test_an_answer_never_rests_on_a_read_that_began_before_the_question(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, reads, asked = live_world, Reads(monkeypatch), Standings()
    reads.may.clear()
    before = asyncio.create_task(asked.of(world.bob.id))
    await _until(lambda: len(reads.of) == 1)
    said = await in_database(say, world.alice, world.group)
    after = asyncio.create_task(asked.of(world.bob.id))
    reads.may.set()
    assert (await before).versions[world.group.id] < said.version
    assert (await after).versions[world.group.id] == said.version
    assert len(reads.of) == 2


async def test_who_is_in_a_hurry_waits_for_nobody(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, asked = Reads(monkeypatch), Standings()
    monkeypatch.setattr(Standings, "gather_seconds", 3600)
    waiting = asyncio.create_task(asked.of(live_world.alice.id, patient=True))
    await asyncio.sleep(0)
    await asked.of(live_world.bob.id)
    await waiting
    assert reads.of == [{live_world.alice.id, live_world.bob.id}]


async def test_many_are_read_for_in_portions(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, reads, asked = live_world, Reads(monkeypatch), Standings()
    monkeypatch.setattr(Standings, "together", 2)
    everybody = [world.alice.id, world.bob.id, world.charlie.id]
    await asyncio.gather(*(asked.of(each, patient=True) for each in everybody))
    assert reads.of == [set(everybody[:2]), set(everybody[2:])]


async def test_a_read_that_fails_fails_for_those_who_asked_and_for_nobody_after(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, reads, asked = live_world, Reads(monkeypatch), Standings()
    reads.failure = Unavailable()
    together = (asked.of(each, patient=True) for each in (world.alice.id, world.bob.id))
    outcomes = await asyncio.gather(*together, return_exceptions=True)
    assert [type(each) for each in outcomes] == [Unavailable, Unavailable]
    reads.failure = None
    assert world.group.id in (await asked.of(world.bob.id)).versions


async def test_who_goes_away_while_waiting_takes_nobody_along(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, asked = Reads(monkeypatch), Standings()
    reads.may.clear()
    gone, stays = (asyncio.create_task(asked.of(live_world.bob.id)) for _ in range(2))
    await _until(lambda: len(reads.of) == 1)
    gone.cancel()
    reads.may.set()
    assert live_world.group.id in (await stays).versions
    assert len(reads.of) == 1


async def test_a_heartbeat_finds_what_no_process_was_told(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, group = live_world, str(live_world.group.id)
    async with connected(world.bob, world.charlie) as (bob, charlie):
        # Nothing of this is announced: as if the channel layer had lost it.
        with monkeypatch.context() as patched:
            patched.setattr(realtime, "publish", lambda *_: None)
            said = await in_database(say, world.alice, world.group, "lost")
            await in_database(
                add_member,
                adder=world.alice,
                conversation_id=world.group.id,
                user_id=world.charlie.id,
            )
            await asyncio.gather(bob.sync(), charlie.sync())
            assert bob.mirror.history(group)[-1]["id"] != str(said.id)  # "charlie was added"
            assert str(said.id) in [row["id"] for row in bob.mirror.history(group)]
            assert group in charlie.mirror.conversations
            await in_database(
                remove_member,
                remover=world.alice,
                conversation_id=world.group.id,
                user_id=world.charlie.id,
            )
            await asyncio.gather(bob.sync(), charlie.sync())
            assert group not in charlie.mirror.conversations
        # And is out of the group, not only told so.
        await in_database(say, world.alice, world.group, "without charlie")
        await bob.has_everything()
        await charlie.refute("message")
