"""What a device says of itself is believed only as far as it can be true."""

import pytest
from django.test import Client

from chat.models import Membership
from pneumatic.server import draining
from pneumatic.testing.factories import World, make_token, say


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


def test_no_socket_is_compressed() -> None:
    """A few bytes on the line can't become a megabyte here."""
    assert draining._config().ws_per_message_deflate is False
