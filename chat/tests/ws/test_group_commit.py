import asyncio
import uuid
from typing import Any

import pytest
from django.conf import settings

from chat.actions.sending import Draft, Result, Sent, asend_messages, send_messages
from chat.errors import BadField, IdTaken, NoSuchConversation
from chat.models import Conversation, Message
from chat.queries import seats_of
from chat.tests.ws.locking import locked
from chat.ws import sends
from chat.ws.sends import SendQueue
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_direct, make_group

pytestmark = pytest.mark.usefixtures("each_way")
live = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


def _draft(world: World, body: str = "hello", **changed: Any) -> Draft:
    return Draft(world.alice, world.group.id, uuid.uuid4(), body)._replace(**changed)


def test_each_message_gets_its_own_answer(world: World) -> None:
    good, twice = _draft(world), _draft(world)
    results = send_messages(
        drafts=[
            good,
            _draft(world, body=" "),
            _draft(world, sender=world.charlie),
            twice,
            twice,
            _draft(world, reply_to=uuid.uuid4()),
            _draft(world, sender=world.bob),
        ]
    )
    assert [type(each) for each in results] == [
        Sent,
        BadField,
        NoSuchConversation,
        Sent,
        Sent,
        BadField,
        Sent,
    ]
    stored = [each for each in results if isinstance(each, Sent)]
    assert [each.duplicate for each in stored] == [False, False, True, False]
    seqs = [each.message.seq for each in stored]
    assert seqs == [seqs[0], seqs[0] + 1, seqs[0] + 1, seqs[0] + 2]
    assert Message.objects.filter(conversation=world.group).count() == seqs[-1]


def test_several_conversations_and_senders_keep_their_own_counts(world: World) -> None:
    direct = make_direct(world.alice, world.charlie)
    send_messages(
        drafts=[
            _draft(world),
            _draft(world, conversation_id=direct.id, sender=world.charlie),
            _draft(world, sender=world.bob),
            _draft(world),
            _draft(world, conversation_id=direct.id),
        ]
    )
    for user in (world.alice, world.bob, world.charlie):
        for seat in seats_of(user):
            after = seat.conversation.messages.filter(seq__gt=seat.read_seq)
            assert seat.own_after_read == after.filter(sender=user).count()
            assert seat.delivered_seq >= seat.read_seq


def test_many_messages_cost_hardly_more_queries_than_one(
    world: World, django_assert_max_num_queries: Any
) -> None:
    direct = make_direct(world.alice, world.bob)
    with django_assert_max_num_queries(10) as captured:
        send_messages(drafts=[_draft(world, "hi @bob")])
    with django_assert_max_num_queries(len(captured)):
        send_messages(
            drafts=[
                _draft(world, "hi @bob", conversation_id=where)
                for where in (world.group.id, direct.id)
                for _ in range(20)
            ]
        )


class TestQueue:
    pytestmark = live

    async def test_what_comes_at_once_shares_a_transaction(
        self, live_world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        batches: list[int] = []

        async def counted(*, drafts: list[Draft], wait: bool) -> list[Result]:
            batches.append(len(drafts))
            return await asend_messages(drafts=drafts, wait=wait)

        monkeypatch.setattr(sends, "asend_messages", counted)
        queue = SendQueue()
        answers = await asyncio.gather(*(queue.send(_draft(live_world)) for _ in range(10)))
        assert batches == [10]
        assert [each.message.seq for each in answers] == list(range(2, 12))

    async def test_a_refused_message_costs_its_neighbours_nothing(self, live_world: World) -> None:
        queue = SendQueue()
        answers = await asyncio.gather(
            queue.send(_draft(live_world)),
            queue.send(_draft(live_world, body="")),
            queue.send(_draft(live_world)),
            return_exceptions=True,
        )
        assert [type(each) for each in answers] == [Sent, BadField, Sent]

    @pytest.mark.needs_postgres
    async def test_a_locked_conversation_delays_no_other_f12(self, live_world: World) -> None:
        direct = await in_database(make_direct, live_world.alice, live_world.bob)
        queue = SendQueue()
        async with locked(live_world.group):
            stuck = [asyncio.create_task(queue.send(_draft(live_world))) for _ in range(3)]
            for _ in range(3):
                sent = await queue.send(_draft(live_world, conversation_id=direct.id))
                assert not sent.duplicate
            assert not any(each.done() for each in stuck)
        seqs = [(await each).message.seq for each in stuck]
        assert sorted(seqs) == [2, 3, 4]
        assert not queue._own

    @pytest.mark.needs_postgres
    async def test_many_locked_conversations_delay_no_other_either_f12(
        self, live_world: World
    ) -> None:
        def begin() -> list[Conversation]:
            return [make_group(live_world.alice) for _ in range(settings.LOOP_CONNECTIONS + 2)]

        stuck_in = await in_database(begin)
        queue = SendQueue()
        async with locked(*stuck_in):
            stuck = [
                asyncio.create_task(queue.send(_draft(live_world, conversation_id=each.id)))
                for each in stuck_in
            ]
            for _ in range(3):
                assert not (await queue.send(_draft(live_world))).duplicate
            assert not any(each.done() for each in stuck)
        await asyncio.gather(*stuck)
        await queue.settle()
        assert not queue._own

    async def test_one_id_into_two_conversations_at_once_is_a_message_in_one(
        self, live_world: World
    ) -> None:
        direct = await in_database(make_direct, live_world.alice, live_world.bob)
        one = _draft(live_world)
        queues = SendQueue(), SendQueue()
        answers = await asyncio.gather(
            queues[0].send(one),
            queues[1].send(one._replace(conversation_id=direct.id)),
            return_exceptions=True,
        )
        assert {type(each) for each in answers} == {Sent, IdTaken}
        assert await in_database(Message.objects.filter(id=one.id).count) == 1

    async def test_the_same_twice_in_a_batch_is_stored_once(self, live_world: World) -> None:
        queue, one = SendQueue(), _draft(live_world)
        answers = await asyncio.gather(queue.send(one), queue.send(one))
        assert [each.duplicate for each in answers] == [False, True]
        again = await queue.send(one)
        assert again.duplicate
        assert again.message.seq == answers[0].message.seq
