import uuid
from typing import Any

import pytest
from django.db import connection

from chat.actions.members import add_member, remove_member
from chat.actions.messages import delete_message, edit_message
from chat.actions.receipts import mark_read
from chat.actions.sending import send_message
from chat.errors import BadField, IdTaken, NoSuchConversation, NoSuchMessage, NotAllowed
from chat.models import Mention, Message
from chat.presenters import unread
from chat.queries import conversation_for, seats_of
from pneumatic.testing.factories import World, make_direct, make_group, say

pytestmark = pytest.mark.usefixtures("each_way")


def test_a_message_takes_the_next_place_and_the_next_version(world: World) -> None:
    before = conversation_for(world.alice, world.group.id).conversation
    first = say(world.alice, world.group, "one")
    second = say(world.bob, world.group, "two")
    assert (first.seq, second.seq) == (before.last_seq + 1, before.last_seq + 2)
    assert (first.version, second.version) == (before.version + 1, before.version + 2)
    after = conversation_for(world.alice, world.group.id).conversation
    assert (after.last_seq, after.version) == (second.seq, second.version)


def test_the_same_message_sent_again_is_one_message(
    world: World, published: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    id = uuid.uuid4()
    with django_capture_on_commit_callbacks(execute=True):
        sent = [
            send_message(sender=world.alice, conversation_id=world.group.id, id=id, body="hi")
            for _ in range(3)
        ]
    assert [each.duplicate for each in sent] == [False, True, True]
    assert len({each.message.seq for each in sent}) == 1
    assert Message.objects.filter(id=id).count() == 1
    assert len(published) == 1


def test_a_repeat_is_known_after_an_edit_a_deletion_and_after_leaving(world: World) -> None:
    id = uuid.uuid4()

    def send() -> bool:
        return send_message(
            sender=world.bob, conversation_id=world.group.id, id=id, body="hi"
        ).duplicate

    assert not send()
    edit_message(editor=world.bob, conversation_id=world.group.id, message_id=id, body="ho")
    assert send()
    delete_message(deleter=world.bob, conversation_id=world.group.id, message_id=id)
    assert send()
    remove_member(remover=world.bob, conversation_id=world.group.id, user_id=world.bob.id)
    assert send()


def test_an_id_never_names_two_things(world: World) -> None:
    other = make_group(world.alice, world.bob, title="Other")
    message = say(world.alice, world.group, "hi")

    def again(**changed: Any) -> None:
        send_message(
            **{
                "sender": world.alice,
                "conversation_id": world.group.id,
                "id": message.id,
                "body": "hi",
                **changed,
            }
        )

    for changed in (
        {"body": "ho"},
        {"sender": world.bob},
        {"conversation_id": other.id},
        {"reply_to": message.id},
    ):
        with pytest.raises(IdTaken):
            again(**changed)


def test_a_stranger_can_neither_write_nor_learn_that_the_conversation_exists(world: World) -> None:
    errors = []
    for conversation_id in (world.group.id, uuid.uuid4()):
        with pytest.raises(NoSuchConversation) as caught:
            send_message(
                sender=world.charlie, conversation_id=conversation_id, id=uuid.uuid4(), body="hi"
            )
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


@pytest.mark.parametrize(
    "body",
    ["", "  \n\t ", "x" * 4001, "nul\x00", "half \ud800", "\u200b\u2060", "\u00a0"],
    ids=repr,
)
def test_a_body_that_cannot_be_is_refused_by_name(world: World, body: str) -> None:
    before = conversation_for(world.alice, world.group.id).conversation.version
    with pytest.raises(BadField) as caught:
        say(world.alice, world.group, body)
    assert list(caught.value.fields) == ["body"]
    assert conversation_for(world.alice, world.group.id).conversation.version == before


def test_a_message_id_must_be_random(world: World) -> None:
    with pytest.raises(BadField) as caught:
        send_message(sender=world.alice, conversation_id=world.group.id, id=uuid.uuid1(), body="hi")
    assert list(caught.value.fields) == ["id"]


def test_a_reply_names_a_message_of_the_same_conversation(world: World) -> None:
    here = say(world.alice, world.group)
    elsewhere = say(world.alice, make_direct(world.alice, world.charlie))
    reply = send_message(
        sender=world.bob,
        conversation_id=world.group.id,
        id=uuid.uuid4(),
        body="re",
        reply_to=here.id,
    ).message
    assert reply.reply_to_id == here.id
    with pytest.raises(BadField) as caught:
        send_message(
            sender=world.bob,
            conversation_id=world.group.id,
            id=uuid.uuid4(),
            body="re",
            reply_to=elsewhere.id,
        )
    assert list(caught.value.fields) == ["reply_to"]


def test_only_the_author_edits_and_an_edit_takes_a_version_but_no_place(world: World) -> None:
    message = say(world.alice, world.group, "helo")
    edited = edit_message(
        editor=world.alice, conversation_id=world.group.id, message_id=message.id, body="hello"
    )
    assert (edited.seq, edited.version) == (message.seq, message.version + 1)
    assert edited.edited_at is not None
    with pytest.raises(NotAllowed):
        edit_message(
            editor=world.bob, conversation_id=world.group.id, message_id=message.id, body="bye"
        )


def test_a_deleted_message_leaves_a_tombstone_and_stays_deleted(world: World) -> None:
    message = say(world.bob, world.group, "secret")
    deleted = delete_message(
        deleter=world.alice, conversation_id=world.group.id, message_id=message.id
    )
    assert (deleted.body, deleted.seq, deleted.version) == ("", message.seq, message.version + 1)
    with pytest.raises(NotAllowed):
        edit_message(
            editor=world.bob, conversation_id=world.group.id, message_id=message.id, body="back"
        )
    again = delete_message(deleter=world.bob, conversation_id=world.group.id, message_id=message.id)
    assert again.version == deleted.version


def test_a_member_cannot_delete_what_others_wrote(world: World) -> None:
    message = say(world.alice, world.group)
    with pytest.raises(NotAllowed):
        delete_message(deleter=world.bob, conversation_id=world.group.id, message_id=message.id)
    with pytest.raises(NoSuchMessage):
        delete_message(deleter=world.bob, conversation_id=world.group.id, message_id=uuid.uuid4())


def _unread(world: World) -> tuple[int, int]:
    seat = seats_of(world.bob).get(conversation=world.group)
    return unread(seat.conversation.last_seq, seat), seat.unread_mentions  # type: ignore[attr-defined]


def test_unread_counts_what_others_wrote_after_what_was_read(world: World) -> None:
    mark_read(user=world.bob, conversation_id=world.group.id, seq=99)
    first = say(world.alice, world.group, "one @bob")
    say(world.bob, world.group, "mine, with one unread above")
    say(world.alice, world.group, "two @BOB and @nobody")
    assert _unread(world) == (2, 2)
    mark_read(user=world.bob, conversation_id=world.group.id, seq=first.seq)
    assert _unread(world) == (1, 1)
    mark_read(user=world.bob, conversation_id=world.group.id, seq=0)
    assert _unread(world) == (1, 1)
    mark_read(user=world.bob, conversation_id=world.group.id, seq=2**40)
    assert _unread(world) == (0, 0)
    say(world.bob, world.group, "mine")
    assert _unread(world) == (0, 0)


def test_editing_and_deleting_move_mentions_along(world: World) -> None:
    message = say(world.alice, world.group, "hi @bob")
    assert message.mentioned == [str(world.bob.id)]
    edit_message(
        editor=world.alice, conversation_id=world.group.id, message_id=message.id, body="hi @alice"
    )
    assert not Mention.objects.filter(user=world.bob).exists()
    delete_message(deleter=world.alice, conversation_id=world.group.id, message_id=message.id)
    assert not Mention.objects.exists()


def test_a_send_costs_the_same_few_queries_however_large_the_group(
    world: World, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(9) as captured:
        say(world.alice, world.group)
    add_member(adder=world.alice, conversation_id=world.group.id, user_id=world.charlie.id)
    with django_assert_max_num_queries(len(captured)):
        say(world.alice, world.group)


def test_the_database_itself_refuses_a_second_message_in_one_place(world: World) -> None:
    from django.db import IntegrityError, transaction

    message = say(world.alice, world.group)
    for changed in ({"seq": message.seq - 1}, {"version": message.version - 1, "seq": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Message.objects.filter(id=message.id).update(**changed)
    assert connection.is_usable()
