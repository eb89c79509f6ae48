"""What a person finds of a conversation by its id is what they find of it among all of theirs."""

from typing import Any

import pytest
from django.db.models import Model
from pytest_django import DjangoAssertNumQueries

from chat.errors import NoSuchConversation
from chat.queries import conversation_for, is_member, seats_of
from pneumatic.testing.factories import World, make_direct, say

pytestmark = pytest.mark.usefixtures("published")


def kept(model: Model) -> dict[str, Any]:
    return {each.attname: getattr(model, each.attname) for each in model._meta.concrete_fields}


def test_a_seat_is_whole_and_read_in_one_query(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    say(world.alice, world.group, "@bob, look")
    say(world.alice, make_direct(world.alice, world.bob))
    expected: list[Any] = list(seats_of(world.bob).order_by("id"))
    assert [each.unread_mentions for each in expected] == [1, 0]
    for seat in expected:
        with django_assert_num_queries(1):
            found = conversation_for(world.bob, seat.conversation_id)
            assert found.membership.conversation is found.conversation
        assert kept(found.membership) == kept(seat)
        assert kept(found.conversation) == kept(seat.conversation)
        assert getattr(found.membership, "unread_mentions", None) == seat.unread_mentions
        assert not found.conversation._state.adding


def test_who_is_not_in_it_has_no_seat(world: World) -> None:
    assert is_member(world.bob.id, world.group.id)
    assert not is_member(world.charlie.id, world.group.id)
    with pytest.raises(NoSuchConversation):
        conversation_for(world.charlie, world.group.id)
