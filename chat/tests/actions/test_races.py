"""What several processes do at once: real threads, each with its own database connection."""

import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connections

from accounts.models import User
from chat.actions.conversations import open_direct
from chat.actions.members import add_member, remove_member
from chat.actions.profiles import change_profile
from chat.actions.receipts import mark_read
from chat.actions.sending import send_message
from chat.errors import IdTaken, NoSuchConversation
from chat.models import Conversation, Membership, Message
from pneumatic.testing.factories import World, make_group, make_user, make_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("each_way")]


@pytest.fixture
def committed(transactional_db: None) -> World:
    return make_world()


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs in threads that start together; their results or exceptions, in order."""
    start = threading.Barrier(len(jobs))
    results: list[Any] = [RuntimeError("did not run")] * len(jobs)

    def run(index: int, job: Callable[[], Any]) -> None:
        start.wait(10)
        try:
            results[index] = job()
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index, job)) for index, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_racing_repeats_of_one_message_make_one_message_and_no_hole(committed: World) -> None:
    world = committed
    before = Conversation.objects.get(id=world.group.id).last_seq
    for round in range(5):
        id = uuid.uuid4()
        results = at_once(
            *[
                lambda id=id: send_message(
                    sender=world.alice, conversation_id=world.group.id, id=id, body="hi"
                )
            ]
            * 8
        )
        assert sorted(each.duplicate for each in results) == [False] + [True] * 7
        assert Conversation.objects.get(id=world.group.id).last_seq == before + round + 1


def test_racing_senders_take_places_without_gap(committed: World) -> None:
    world = committed
    senders = [world.alice, world.bob] * 4
    at_once(
        *[
            lambda sender=sender: [
                send_message(
                    sender=sender, conversation_id=world.group.id, id=uuid.uuid4(), body=str(n)
                )
                for n in range(5)
            ]
            for sender in senders
        ]
    )
    rows = list(Message.objects.filter(conversation=world.group).order_by("seq"))
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == 41
    assert [row.version for row in rows] == sorted(row.version for row in rows)


def test_one_id_into_two_conversations_at_once_is_one_message(committed: World) -> None:
    world = committed
    other = make_group(world.alice, world.bob)
    for _ in range(5):
        id = uuid.uuid4()
        results = at_once(
            *[
                lambda to=to, id=id: send_message(
                    sender=world.alice, conversation_id=to, id=id, body="hi"
                )
                for to in (world.group.id, other.id)
            ]
        )
        assert Message.objects.filter(id=id).count() == 1
        assert sum(isinstance(each, IdTaken) for each in results) == 1


def test_two_who_begin_their_direct_conversation_at_once_get_the_same_one(
    committed: World,
) -> None:
    world = committed
    results = at_once(
        *[lambda: open_direct(user=world.alice, other_id=world.charlie.id)] * 3,
        *[lambda: open_direct(user=world.charlie, other_id=world.alice.id)] * 3,
    )
    assert len({each.seat.conversation.id for each in results}) == 1
    assert sum(each.created for each in results) == 1


def test_nothing_is_written_by_who_was_removed_meanwhile(committed: World) -> None:
    world = committed

    def send_all() -> list[object]:
        sent: list[object] = []
        for number in range(20):
            try:
                sent.append(
                    send_message(
                        sender=world.bob,
                        conversation_id=world.group.id,
                        id=uuid.uuid4(),
                        body=str(number),
                    ).message
                )
            except NoSuchConversation as error:
                sent.append(error)
        return sent

    sent, removed = at_once(
        send_all,
        lambda: remove_member(
            remover=world.alice, conversation_id=world.group.id, user_id=world.bob.id
        ),
    )
    assert removed is None
    end = Membership.objects.get(conversation=world.group, user=world.bob).version
    written = Message.objects.filter(conversation=world.group, sender=world.bob)
    assert all(row.version < end for row in written)
    assert isinstance(sent, list)


def test_who_changes_their_name_while_they_are_added_is_shown_under_the_new_one(
    committed: World,
) -> None:
    world = committed
    for number in range(8):
        person = make_user(f"person-{number}")
        added, renamed = at_once(
            partial(
                add_member,
                adder=world.alice,
                conversation_id=world.group.id,
                user_id=person.id,
            ),
            partial(change_profile, user=User.objects.get(id=person.id), display_name="New"),
        )
        assert not isinstance(added, Exception)
        assert not isinstance(renamed, Exception)
        told = Message.objects.filter(conversation=world.group).latest("seq")
        membership = Membership.objects.get(conversation=world.group, user=person)
        # Told with the new name, or told again.
        assert told.body == "added New" or membership.version > told.version


def test_reading_and_writing_at_once_leave_the_count_right(committed: World) -> None:
    world = committed
    at_once(
        lambda: [
            send_message(
                sender=world.bob, conversation_id=world.group.id, id=uuid.uuid4(), body=str(n)
            )
            for n in range(10)
        ],
        lambda: [
            mark_read(user=world.bob, conversation_id=world.group.id, seq=n) for n in range(12)
        ],
    )
    seat = Membership.objects.select_related("conversation").get(
        conversation=world.group, user=world.bob
    )
    own = Message.objects.filter(
        conversation=world.group, sender=world.bob, seq__gt=seat.read_seq
    ).count()
    assert seat.own_after_read == own
