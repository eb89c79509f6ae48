"""The two ways of storing a batch do the same, row by row and word by word."""

import re
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from chat.actions import sending, storing, storing_at_once
from chat.actions.drafts import Draft, Sent
from chat.actions.members import remove_member
from chat.actions.receipts import mark_read
from chat.actions.sending import asend_messages, send_messages
from chat.models import Conversation, Membership, Mention, Message
from pneumatic.lib import realtime
from pneumatic.lib.errors import Unavailable
from pneumatic.testing.factories import World, make_direct, make_group, make_user, say

pytestmark = pytest.mark.needs_postgres


class Stage(NamedTuple):
    """Who could send what to where; not all of it is possible."""

    people: Sequence[User]
    conversations: Sequence[uuid.UUID]
    messages: Sequence[Message]


@pytest.fixture
def stage(world: World) -> Stage:
    direct, other = make_direct(world.alice, world.charlie), make_group(world.bob, world.alice)
    written = [say(world.alice, world.group, "one"), say(world.bob, world.group, "two @alice")]
    written += [say(world.alice, direct), say(world.bob, other)]
    mark_read(user=world.bob, conversation_id=world.group.id, seq=2)
    gone = make_user("gone")
    closed = make_group(gone, world.bob)
    remove_member(remover=world.bob, conversation_id=closed.id, user_id=world.bob.id)
    archived = make_group(world.alice, world.bob)
    Conversation.objects.filter(id=archived.id).update(archived_at=timezone.now())
    return Stage(
        [world.alice, world.bob, world.charlie],
        [each.id for each in (world.group, direct, other, closed, archived)] + [uuid.uuid4()],
        written,
    )


class Choice(NamedTuple):
    """A draft in numbers: each picks one of the stage's."""

    sender: int
    conversation: int
    id: int
    body: str
    reply_to: int | None


_BODIES = [
    "hello",
    "one",
    "hi @bob",
    "@ALICE and @bob. and @nobody",
    "@charlie @alice @alice",
    "quotes \" ' \\ and \u2028 😀 %s {}",
    "  trimmed\r\n",
]
# Mostly what works; some of what doesn't.
_CHOICES = st.builds(
    Choice,
    sender=st.sampled_from([0, 0, 1, 1, 2]),
    conversation=st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3, 4, 5]),
    # Ten new ids, so that some come twice, and those of the messages that are there.
    id=st.integers(0, 13),
    body=st.sampled_from(_BODIES),
    reply_to=st.none() | st.integers(0, 4),
)
_NEW = [uuid.UUID(int=number + (4 << 76) + (2 << 62)) for number in range(1, 11)]


def _draft(stage: Stage, choice: Choice) -> Draft:
    replies = [each.id for each in stage.messages] + [uuid.UUID(int=99)]
    return Draft(
        stage.people[choice.sender],
        stage.conversations[choice.conversation],
        (_NEW + [each.id for each in stage.messages])[choice.id],
        choice.body,
        None if choice.reply_to is None else replies[choice.reply_to],
    )


def _effect(
    way: Any, drafts: Sequence[Draft], monkeypatch: pytest.MonkeyPatch, *, together: bool = True
) -> Any:
    """What is answered, stored and announced; all of it is undone."""
    batches = [drafts] if together else [[draft] for draft in drafts]
    told: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    with monkeypatch.context() as patched, transaction.atomic():
        patched.setattr(sending, "storing_at_once", way)
        # Each conversation's in their order: between them there is none.
        patched.setattr(
            realtime, "publish_on_commit", lambda group, *each: told[group].extend(each)
        )
        answers = [
            (each.duplicate, _columns(each.message)) if isinstance(each, Sent) else repr(each)
            for batch in batches
            for each in send_messages(drafts=batch)
        ]
        rows = [
            [_columns(row) for row in model._default_manager.order_by("conversation", "seq")]
            for model in (Message, Mention)
        ]
        rows += [
            [_columns(row) for row in model._default_manager.order_by("id")]
            for model in (Conversation, Membership)
        ]
        transaction.set_rollback(True)
    return answers, rows, {group: [*map(_timeless, each)] for group, each in told.items()}


def _columns(row: Any) -> dict[str, Any]:
    """All columns, whatever is added one day, but for when it was and sequences of the database."""
    found = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    for name in ("created_at", "last_message_at"):
        if name in found:
            found[name] = found[name] is not None
    if isinstance(row, Mention):
        del found["id"]
    return {
        name: bytes(value) if isinstance(value, memoryview) else value
        for name, value in found.items()
    }


def _timeless(envelope: Mapping[str, Any]) -> dict[str, Any]:
    return {**envelope, "text": re.sub(r'"created_at":"[^"]+"', "", envelope["text"])}


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(choices=st.lists(_CHOICES, min_size=1, max_size=14))
def test_both_ways_store_answer_and_announce_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, choices: list[Choice]
) -> None:
    drafts = [_draft(stage, choice) for choice in choices]
    assert _effect(storing_at_once, drafts, monkeypatch) == _effect(storing, drafts, monkeypatch)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(choices=st.lists(_CHOICES, min_size=1, max_size=8))
def test_one_by_one_they_do_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, choices: list[Choice]
) -> None:
    drafts = [_draft(stage, choice) for choice in choices]
    at_once = _effect(storing_at_once, drafts, monkeypatch, together=False)
    assert at_once == _effect(storing, drafts, monkeypatch, together=False)


def test_what_is_returned_as_stored_is_what_is_stored(world: World) -> None:
    first = say(world.bob, world.group)
    (sent,) = send_messages(
        drafts=[Draft(world.alice, world.group.id, uuid.uuid4(), "hi @bob", first.id)]
    )
    assert isinstance(sent, Sent)
    assert _columns(sent.message) == _columns(Message.objects.get(id=sent.message.id))
    assert sent.message.created_at == Message.objects.get(id=sent.message.id).created_at


def test_a_batch_is_one_statement(world: World, django_assert_num_queries: Any) -> None:
    drafts = [
        Draft(world.alice, world.group.id, uuid.uuid4(), f"{n} @bob", None) for n in range(20)
    ]
    # Around it the savepoint, because the test is in a transaction.
    with django_assert_num_queries(3):
        send_messages(drafts=drafts)


@pytest.mark.parametrize("function", ["chat_append", "chat_append_one", "chat_mark"])
def test_rows_are_found_by_their_keys_in_a_plan_that_is_kept(world: World, function: str) -> None:
    """The plan of the first call serves all later ones, however large the tables have become."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = %s", [function])
        ((config,),) = cursor.fetchall()
    assert {"enable_seqscan=off", "plan_cache_mode=force_generic_plan"} <= set(config)


@pytest.mark.django_db(transaction=True)
def test_what_was_stored_is_announced_though_the_repeats_beside_it_cannot_be_read(
    world: World, published: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Draft(world.alice, world.group.id, uuid.uuid4(), "one")
    send_messages(drafts=[known])
    published.clear()

    def away(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("the connection is gone")

    monkeypatch.setattr(QuerySet, "in_bulk", away)
    fresh = Draft(world.bob, world.group.id, uuid.uuid4(), "two")
    repeated, sent = send_messages(drafts=[known, fresh])

    assert isinstance(repeated, Unavailable), "its device asks again"
    assert isinstance(sent, Sent)
    assert not sent.duplicate
    assert [str(fresh.id) in envelope["text"] for _, envelope in published] == [True]


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_what_was_stored_is_acknowledged_though_the_repeat_beside_it_is_not(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, fresh = (Draft(live_world.alice, live_world.group.id, uuid.uuid4(), n) for n in "ab")
    await asend_messages(drafts=[known])

    async def away(*_: Any, **__: Any) -> Any:
        raise Unavailable

    monkeypatch.setattr(storing_at_once, "in_database", away)
    results = await asend_messages(drafts=[known, fresh])
    assert [type(each) for each in results] == [Unavailable, Sent]
