"""What devices ask, in words of our own, says what the models say."""

from uuid import UUID

import msgspec
import pytest

from chat import limits, queries
from chat.actions.members import remove_member
from chat.models import Conversation, Membership
from chat.protocol import Receipt
from pneumatic.testing.factories import World, make_direct, make_group, say

pytestmark = pytest.mark.django_db


def _many(world: World) -> None:
    say(world.alice, make_direct(world.alice, world.charlie))
    for _ in range(3):
        group = make_group(world.alice, world.bob, world.charlie)
        say(world.alice, group)
        say(world.bob, group)
    remove_member(remover=world.alice, conversation_id=group.id, user_id=world.charlie.id)


def _everybody(world: World) -> list[UUID]:
    return [world.alice.id, world.bob.id, world.charlie.id]


def test_standings_and_entrances_are_those_of_the_memberships(world: World) -> None:
    _many(world)
    standings = queries.standings_of(_everybody(world))
    entrances = queries.entrances_of(_everybody(world))
    for user in (world.alice, world.bob, world.charlie):
        seats = list(queries.seats_of(user))
        assert standings[user.id] == queries.Standing(
            queries.epoch(),
            {str(each.conversation_id): each.conversation.version for each in seats},
        )
        assert entrances[user.id] == queries.Entrance(
            queries.epoch(),
            {str(each.conversation_id): each.conversation.ended_version for each in seats},
        )
    assert any(entrances[world.bob.id].ended.values())


def _beside(user_id: UUID, most: int = limits.PRESENCE_CONVERSATIONS) -> list[Receipt]:
    """Of the newest conversations."""
    seats = Membership.objects.filter(user=user_id, left_at=None).select_related("conversation")
    small = [each for each in seats if each.conversation.member_count <= limits.SMALL_CONVERSATION]
    newest = sorted(
        (each.conversation for each in small),
        key=lambda each: each.last_message_at or each.created_at,
        reverse=True,
    )
    return [
        Receipt(
            user=each.user_id,
            read_seq=each.read_seq,
            delivered_seq=each.delivered_seq,
            conversation=each.conversation_id,
        )
        for each in Membership.objects.filter(conversation__in=newest[:most], left_at=None)
    ]


def _told(beside: queries.Beside) -> list[Receipt]:
    return msgspec.json.decode(beside.receipts, type=list[Receipt])


def _in_order(receipts: list[Receipt]) -> list[Receipt]:
    return sorted(receipts, key=lambda each: (each.user, str(each.conversation)))


def test_who_is_beside_somebody_is_who_is_in_their_newest_small_conversations(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _many(world)
    large = make_group(world.alice, world.bob)
    Conversation.objects.filter(id=large.id).update(member_count=limits.SMALL_CONVERSATION + 1)
    for most in (limits.PRESENCE_CONVERSATIONS, 2):
        monkeypatch.setattr(limits, "PRESENCE_CONVERSATIONS", most)
        standings = queries.standings_of(_everybody(world))
        at_once = queries.surroundings_of(_everybody(world))
        for user_id, beside in queries.beside(_everybody(world)).items():
            assert at_once[user_id] == (standings[user_id], beside)
            told = _told(beside)
            assert _in_order(told) == _in_order(_beside(user_id, most))
            assert told == sorted(told, key=lambda each: (each.conversation, each.user))
            assert beside.people == {str(each.user) for each in told}
            # As everything else is written: without a blank.
            assert msgspec.json.encode(told).decode() == beside.receipts


def test_nobody_is_beside_who_is_in_nothing(world: World) -> None:
    assert queries.beside([world.charlie.id]) == {world.charlie.id: queries.NOBODY}
    assert queries.standings_of([world.charlie.id])[world.charlie.id].versions == {}
    nothing = queries.Surroundings(queries.Standing(queries.epoch(), {}), queries.NOBODY)
    assert queries.surroundings_of([world.charlie.id]) == {world.charlie.id: nothing}


def test_those_of_some_conversations_can_be_left_out(world: World) -> None:
    _many(world)
    bob = queries.beside([world.bob.id])[world.bob.id]
    rest = bob.without({str(world.group.id)})
    assert _told(rest) == [each for each in _told(bob) if each.conversation != world.group.id]
    assert bob.without(set()) is bob
    everything = {str(each.conversation) for each in _told(bob)}
    assert bob.without(everything) == queries.NOBODY
