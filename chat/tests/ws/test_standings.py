"""Heartbeats ask together: one read for all who wait, and never one that began before the ask."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Collection
from typing import Any

import pytest

from chat.actions.members import add_member, remove_member
from chat.models import Conversation
from chat.queries import Standing, standings_by_text
from chat.ws import standings as module
from chat.ws.consumer import ChatConsumer
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
        self.of = list[set[str]]()
        self.may = threading.Event()
        self.may.set()
        self.failure: Exception | None = None
        monkeypatch.setattr(module, "standings_by_text", self.read)

    def read(self, people: Collection[str]) -> dict[str, Standing]:
        self.of.append(set(people))
        found = standings_by_text(people)
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
    everybody = [str(each.id) for each in (world.alice, world.bob, world.charlie)]
    # The second one's two devices, too.
    found = await asyncio.gather(
        *(asked.of(each, patient=True) for each in (*everybody, everybody[1]))
    )
    assert reads.of == [set(everybody)]
    version = (await in_database(Conversation.objects.get, id=world.group.id)).version
    in_it = {str(world.group.id): version}
    assert [each.versions for each in found] == [in_it, in_it, {}, in_it]
    assert len({each.epoch for each in found}) == 1


async def test_an_answer_never_rests_on_a_read_that_began_before_the_question(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, reads, asked = live_world, Reads(monkeypatch), Standings()
    reads.may.clear()
    before = asyncio.create_task(asked.of(str(world.bob.id)))
    await _until(lambda: len(reads.of) == 1)
    said = await in_database(say, world.alice, world.group)
    after = asyncio.create_task(asked.of(str(world.bob.id)))
    reads.may.set()
    assert (await before).versions[str(world.group.id)] < said.version
    assert (await after).versions[str(world.group.id)] == said.version
    assert len(reads.of) == 2


async def test_who_is_in_a_hurry_waits_for_nobody(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, asked = Reads(monkeypatch), Standings()
    monkeypatch.setattr(Standings, "gather_seconds", 3600)
    waiting = asyncio.create_task(asked.of(str(live_world.alice.id), patient=True))
    await asyncio.sleep(0)
    await asked.of(str(live_world.bob.id))
    await waiting
    assert reads.of == [{str(live_world.alice.id), str(live_world.bob.id)}]


async def test_many_are_read_for_in_portions(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, reads, asked = live_world, Reads(monkeypatch), Standings()
    monkeypatch.setattr(Standings, "together", 2)
    everybody = [str(each.id) for each in (world.alice, world.bob, world.charlie)]
    await asyncio.gather(*(asked.of(each, patient=True) for each in everybody))
    assert reads.of == [set(everybody[:2]), set(everybody[2:])]


async def test_a_read_that_fails_fails_for_those_who_asked_and_for_nobody_after(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, reads, asked = live_world, Reads(monkeypatch), Standings()
    reads.failure = Unavailable()
    together = (asked.of(str(each.id), patient=True) for each in (world.alice, world.bob))
    outcomes = await asyncio.gather(*together, return_exceptions=True)
    assert [type(each) for each in outcomes] == [Unavailable, Unavailable]
    reads.failure = None
    assert str(world.group.id) in (await asked.of(str(world.bob.id))).versions


async def test_who_goes_away_while_waiting_takes_nobody_along(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, asked = Reads(monkeypatch), Standings()
    reads.may.clear()
    gone, stays = (asyncio.create_task(asked.of(str(live_world.bob.id))) for _ in range(2))
    await _until(lambda: len(reads.of) == 1)
    gone.cancel()
    reads.may.set()
    assert str(live_world.group.id) in (await stays).versions
    assert len(reads.of) == 1


@pytest.mark.parametrize("already_waiting", [True, False])
async def test_a_heartbeat_holds_up_nothing_that_comes_after_it(
    live_world: World, monkeypatch: pytest.MonkeyPatch, already_waiting: bool
) -> None:
    monkeypatch.setattr(Standings, "gather_seconds", 3600)
    async with connected(live_world.bob) as (bob,):
        epoch, versions = bob.mirror.position()
        await bob.say(type="sync", epoch=epoch, versions=versions, ref="heartbeat")
        if already_waiting:
            await _until(lambda: module.standings()._asked)
        await bob.say(type="ping", ref="after")
        await bob.expect("pong", ref="after")
        kinds = [frame["type"] for frame in bob.received]
        assert kinds.index("synced", kinds.index("synced") + 1) < kinds.index("pong")


@pytest.mark.parametrize("spelled", [str.upper, lambda text: text.replace("-", "")])
async def test_a_device_may_spell_ids_in_its_own_way(
    live_world: World, spelled: Callable[[str], str]
) -> None:
    world = live_world
    async with connected(world.bob) as (bob,):
        _, versions = bob.mirror.position()
        bob.waiting.clear()
        own = {spelled(each): version for each, version in versions.items()}
        await bob.sync(versions=own)
        await bob.refute("sync")
        said = await in_database(say, world.alice, world.group)
        await bob.sync(versions=own)
        frame = await bob.expect("sync")
        assert (frame["conversation"], frame["to"]) == (str(world.group.id), said.version)
        assert frame["from"] == versions[str(world.group.id)], "and not as one that it lacks"


@pytest.mark.parametrize("strange", ["", "x", "{" + "0" * 32 + "}"])
async def test_what_is_no_id_is_told_among_known_ones(live_world: World, strange: str) -> None:
    async with connected(live_world.bob) as (bob,):
        epoch, versions = bob.mirror.position()
        await bob.say(type="sync", epoch=epoch, versions={**versions, strange: 1}, ref="r")
        error = await bob.expect("error", ref="r")
        assert error["code"] == "invalid"


async def test_a_key_given_twice_is_found_in_a_heartbeat_too(live_world: World) -> None:
    group, other = (f'"{each}":1' for each in (live_world.group.id, uuid.uuid4()))
    async with connected(live_world.bob) as (bob,):
        for twice in (
            f'"versions":{{{group},{group}}}',
            f'"versions":{{{other},{group},{group}}}',
            f'"versions":{{{group}}},"versions":{{{group}}}',
            f'"versions":{{{group}}},"epoch":null,"epoch":null',
            f'"versions":{{{group}}},"epoch":null,"type":"sync"',
            f'"versions":{{{group}}},"partial":false,"partial":false',
        ):
            await bob.say_text(f'{{"type":"sync","ref":"r",{twice}}}')
            assert (await bob.expect("error", ref="r"))["code"] == "invalid"


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


async def test_a_heartbeat_ends_what_the_device_was_told_and_its_socket_was_not(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, group = live_world, str(live_world.group.id)
    async with connected(world.bob) as (bob,):
        with monkeypatch.context() as patched:
            patched.setattr(realtime, "publish", lambda *_: None)
            await in_database(
                remove_member,
                remover=world.alice,
                conversation_id=world.group.id,
                user_id=world.bob.id,
            )
        del bob.mirror.conversations[group]
        await bob.sync()
        await bob.expect("conversation.removed", conversation=group)
        await in_database(say, world.alice, world.group, "without bob")
        await bob.refute("message")


async def test_a_heartbeat_that_finds_nothing_new_needs_no_task(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(live_world.bob) as (bob,):
        with monkeypatch.context() as patched:
            patched.setattr(ChatConsumer, "spawn", None)
            await bob.sync()
            await bob.sync()
        said = await in_database(say, live_world.alice, live_world.group)
        await bob.has_everything()
        assert str(said.id) in [row["id"] for row in bob.mirror.history(str(live_world.group.id))]


async def test_a_heartbeat_that_can_not_be_answered_says_so_and_the_next_one_is(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(monkeypatch)
    async with connected(live_world.bob) as (bob,):
        epoch, versions = bob.mirror.position()
        for failure, code in ((Unavailable(), "unavailable"), (RuntimeError(), "unavailable")):
            reads.failure = failure
            await bob.say(type="sync", epoch=epoch, versions=versions, ref="r")
            await bob.say(type="ping", ref="behind")
            assert (await bob.expect("error", ref="r"))["code"] == code
            await bob.expect("pong", ref="behind")
            reads.failure = None
            await bob.sync()
