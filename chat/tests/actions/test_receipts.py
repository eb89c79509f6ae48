"""Positions: where they may go, what they say of what is unread, and that both ways agree."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.actions import receipts
from chat.actions.members import add_member, remove_member
from chat.actions.receipts import Mark, mark_all, mark_delivered, mark_read
from chat.errors import NoSuchConversation
from chat.models import Membership
from pneumatic.lib import realtime
from pneumatic.testing.factories import World, make_direct, say

each_way = pytest.mark.usefixtures("each_way_to_mark")


def _positions(world: World) -> dict[str, tuple[int, int, int]]:
    rows = Membership.objects.filter(conversation=world.group).select_related("user")
    return {
        row.user.username: (row.read_seq, row.delivered_seq, row.own_after_read) for row in rows
    }


@each_way
def test_many_positions_move_at_once_each_by_its_own_rule(world: World) -> None:
    direct = make_direct(world.alice, world.bob)
    say(world.alice, world.group, "two")
    say(world.bob, world.group, "three")
    say(world.alice, direct, "one")
    results = mark_all(
        marks=[
            Mark(world.bob, world.group.id, read=2, delivered=2),
            Mark(world.alice, world.group.id, read=0, delivered=3),
            Mark(world.charlie, world.group.id, read=1, delivered=1),
            Mark(world.bob, direct.id, read=99, delivered=99),
            Mark(world.bob, uuid.uuid4(), read=1, delivered=1),
        ]
    )
    assert [isinstance(each, NoSuchConversation) for each in results] == [
        False,
        False,
        True,
        False,
        True,
    ]
    assert _positions(world)["bob"] == (2, 3, 1)
    assert _positions(world)["alice"] == (2, 3, 0)
    assert Membership.objects.get(user=world.bob, conversation=direct).read_seq == 1


@each_way
def test_nothing_moves_backwards_and_what_does_not_move_is_not_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(realtime, "publish_on_commit", lambda *each: told.append(each))
    assert mark_read(user=world.bob, conversation_id=world.group.id, seq=1).read_seq == 1
    assert len(told) == 2
    for seq in (1, 0):
        assert mark_read(user=world.bob, conversation_id=world.group.id, seq=seq).read_seq == 1
        mark_delivered(user=world.bob, conversation_id=world.group.id, seq=seq)
    assert len(told) == 2


@each_way
def test_who_has_left_moves_nothing(world: World) -> None:
    remove_member(remover=world.bob, conversation_id=world.group.id, user_id=world.bob.id)
    with pytest.raises(NoSuchConversation):
        mark_read(user=world.bob, conversation_id=world.group.id, seq=1)


@each_way
def test_many_marks_cost_no_more_queries_than_one(
    world: World, django_assert_max_num_queries: Any
) -> None:
    direct = make_direct(world.alice, world.bob)
    add_member(adder=world.alice, conversation_id=world.group.id, user_id=world.charlie.id)
    for conversation in (world.group, direct):
        say(world.alice, conversation, "hi @bob")
    with django_assert_max_num_queries(7) as captured:
        mark_read(user=world.bob, conversation_id=direct.id, seq=1)
    with django_assert_max_num_queries(len(captured)):
        mark_all(
            marks=[
                Mark(user, world.group.id, read=3, delivered=3)
                for user in (world.alice, world.bob, world.charlie)
            ]
        )


# --- Both ways do the same ----------------------------------------------------------------------

_MARKS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=5,
    unique_by=lambda mark: mark[:2],
)
_SAYINGS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["hello", "hi @bob", "hi @alice"])), max_size=8
)


def _effect(way: Any, marks: Sequence[Mark], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is answered, stored and announced; all of it is undone."""
    told: list[Any] = []
    with monkeypatch.context() as patched, transaction.atomic():
        patched.setattr(receipts, "_at_once", way)
        patched.setattr(realtime, "publish_on_commit", lambda *each: told.append(each))
        answers = [
            repr(each)
            if isinstance(each, NoSuchConversation)
            else (each.user_id, each.read_seq, each.delivered_seq, each.own_after_read)
            for each in mark_all(marks=marks)
        ]
        rows = list(Membership.objects.order_by("id").values())
        transaction.set_rollback(True)
    return answers, rows, told


@pytest.mark.needs_postgres
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sayings=_SAYINGS, before=_MARKS, marks=_MARKS)
def test_both_ways_move_answer_and_announce_the_same(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    sayings: list[tuple[int, str]],
    before: list[tuple[int, int, int, int]],
    marks: list[tuple[int, int, int, int]],
) -> None:
    people = [world.alice, world.bob, world.charlie]
    with transaction.atomic():
        rooms = [world.group.id, make_direct(world.alice, world.charlie).id]
        for sender, body in sayings:
            say(people[sender], world.group, body)

        def drawn(some: list[tuple[int, int, int, int]]) -> list[Mark]:
            return [
                Mark(people[who], rooms[where], read, max(read, delivered))
                for who, where, read, delivered in some
            ]

        mark_all(marks=drawn(before))
        assert _effect(receipts._at_once, drawn(marks), monkeypatch) == _effect(
            receipts._by_statement, drawn(marks), monkeypatch
        )
        transaction.set_rollback(True)
