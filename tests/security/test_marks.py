"""What a device says of itself is believed only as far as it can be true."""

import pytest
from django.test import Client

from chat.models import Membership
from pneumatic.lib.database.threads import in_database
from pneumatic.server import draining
from pneumatic.testing.factories import World, make_token, say
from pneumatic.testing.socket import Device


@pytest.mark.parametrize("seq", [3, 1_000, 2**53])
def test_marks_move_neither_backwards_nor_beyond_the_last_message(world: World, seq: int) -> None:
    last = [say(world.alice, world.group) for _ in range(2)][-1].seq
    bearer = {"authorization": f"Bearer {make_token(world.bob)}"}
    path = f"/api/v1/conversations/{world.group.id}/read/"
    for said in (seq, 0, 1):
        answer = Client().post(path, {"seq": said}, content_type="application/json", headers=bearer)
        assert answer.json()["read_seq"] == answer.json()["delivered_seq"] == min(seq, last)
        seat = Membership.objects.get(user=world.bob, conversation=world.group)
        assert (seat.read_seq, seat.delivered_seq) == (min(seq, last), min(seq, last))


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["read", "delivered"])
async def test_nor_do_they_on_the_socket(live_world: World, kind: str) -> None:
    last = [await in_database(say, live_world.alice, live_world.group) for _ in range(2)][-1].seq
    seats = Membership.objects.filter(user=live_world.bob, conversation=live_world.group)
    async with Device(await in_database(make_token, live_world.bob)) as device:
        for said in (2**53, 0, 1):
            await device.say(type=kind, conversation=live_world.group.id, seq=said)
            # Answered in their order: what was said before is done.
            await device.say(type="ping", ref=f"after {said}")
            await device.expect("pong", ref=f"after {said}")
            seat = await in_database(seats.get)
            assert (seat.delivered_seq, seat.read_seq) == (last, last if kind == "read" else 0)


def test_no_socket_is_compressed() -> None:
    """A few bytes on the line can't become a megabyte here."""
    assert draining._config().ws_per_message_deflate is False
