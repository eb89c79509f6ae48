"""Security list 28: limits of a day that stop abuse and that nobody honest meets."""

import uuid
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from chat.actions.conversations import create_group, open_direct
from chat.actions.members import add_member, remove_member
from chat.models import Conversation, Membership
from pneumatic.lib.errors import RateLimited
from pneumatic.testing.factories import World, make_token, make_user


def _group(world: World, **fields: Any) -> Any:
    wishes: dict[str, Any] = {"id": uuid.uuid4(), "title": "More", "member_ids": [], **fields}
    return create_group(creator=world.alice, **wishes)


def test_so_many_conversations_a_day_and_no_more(world: World, settings: Settings) -> None:
    settings.CONVERSATIONS_PER_DAY = 2
    first = uuid.uuid4()
    _group(world, id=first)
    open_direct(user=world.alice, other_id=world.bob.id)
    before = Conversation.objects.count()

    with pytest.raises(RateLimited) as refused:
        _group(world)
    with pytest.raises(RateLimited):
        open_direct(user=world.alice, other_id=world.charlie.id)

    assert refused.value.retry_after == pytest.approx(43_200, abs=60)
    assert Conversation.objects.count() == before
    # What is there already costs nothing, and other people have budgets of their own.
    assert not _group(world, id=first).created
    assert not open_direct(user=world.alice, other_id=world.bob.id).created
    assert open_direct(user=world.charlie, other_id=world.alice.id).created


def test_so_many_people_a_day_and_no_more_by_either_way(world: World, settings: Settings) -> None:
    settings.MEMBERS_PER_DAY = 3
    _group(world, member_ids=[world.bob.id, world.charlie.id])
    dave, erin = make_user("dave"), make_user("erin")
    add_member(adder=world.alice, conversation_id=world.group.id, user_id=dave.id)
    before = Membership.objects.count()

    with pytest.raises(RateLimited):
        add_member(adder=world.alice, conversation_id=world.group.id, user_id=erin.id)
    with pytest.raises(RateLimited):
        _group(world, member_ids=[erin.id])

    assert Membership.objects.count() == before
    assert not Conversation.objects.filter(title="More", member_count=1).exists()
    remove_member(remover=world.alice, conversation_id=world.group.id, user_id=dave.id)


def test_a_group_without_others_needs_no_people(world: World, settings: Settings) -> None:
    settings.MEMBERS_PER_DAY = 1
    _group(world, member_ids=[world.bob.id])

    assert _group(world, member_ids=[]).created


def test_over_rest_it_is_told_with_when_to_come_back(world: World, settings: Settings) -> None:
    settings.CONVERSATIONS_PER_DAY = 1
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(world.alice)}")
    answers = [
        client.post(
            "/api/v1/conversations/",
            {"kind": "group", "id": str(uuid.uuid4()), "title": "Team", "members": []},
            format="json",
        )
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 429]
    assert answers[1].json()["code"] == "rate_limited"
    assert 86_000 < int(answers[1]["Retry-After"]) <= 86_400
