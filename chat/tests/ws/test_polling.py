"""While one process can't be heard by the others, all of them ask the database."""

import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.db.models.functions import Now

from chat.actions.unheard import say_heard, say_unheard
from chat.models import Unheard
from chat.queries import is_another_unheard
from chat.ws import polling
from chat.ws.hub import hub
from pneumatic.lib import realtime
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.realtime.buses import Bus
from pneumatic.testing.factories import World, say
from pneumatic.testing.socket import connected

ELSEWHERE = uuid.uuid4()


@pytest.mark.django_db
def test_who_is_unheard_is_so_for_the_others_until_it_is_heard_or_silent_for_long() -> None:
    here = uuid.uuid4()
    assert not is_another_unheard(here)
    say_unheard(process=ELSEWHERE)
    assert is_another_unheard(here)
    assert not is_another_unheard(ELSEWHERE)
    say_heard(process=ELSEWHERE)
    assert not is_another_unheard(here)
    Unheard.objects.create(process=ELSEWHERE, until=Now() - timedelta(seconds=1))
    assert not is_another_unheard(here)
    say_unheard(process=here)
    assert [each.process for each in Unheard.objects.all()] == [here]


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_what_an_unheard_process_did_is_asked_for_though_ones_own_layer_is_well(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "_POLL_SECONDS", 0.02)
    monkeypatch.setattr(Bus, "has_others", True)
    async with connected(live_world.bob) as (bob,):
        assert hub()._rooms.bus.healthy
        monkeypatch.setattr(realtime, "publish", lambda *_: None)
        await in_database(say, live_world.alice, live_world.group, "unheard")
        await bob.refute("resync")
        await in_database(partial(say_unheard, process=ELSEWHERE))
        await bob.expect("resync")
        await bob.sync()
        assert "unheard" in {row["body"] for row in bob.mirror.history(str(live_world.group.id))}
        # And whatever it does next, too; but nothing where nothing changed.
        await in_database(say, live_world.alice, live_world.group, "once more")
        await bob.expect("resync")


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_a_process_whose_layer_is_away_tells_the_others_and_takes_it_back(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "_POLL_SECONDS", 0.02)
    monkeypatch.setattr(Bus, "has_others", True)
    async with connected(live_world.bob) as (bob,):
        bus = hub()._rooms.bus
        with monkeypatch.context() as away:
            away.setattr(bus, "_hear", lambda beat: None)
            bus._lost("send", ConnectionError())
            await bob.expect("resync")
            assert await in_database(is_another_unheard, ELSEWHERE)
        # It is back: the last resync is the layer's own.
        for _ in range(500):
            if not await in_database(is_another_unheard, ELSEWHERE):
                break
        assert bus.healthy
        assert not await in_database(is_another_unheard, ELSEWHERE)
