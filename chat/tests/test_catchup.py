"""However much a device has missed, it is read in parts of a bounded size, a query each."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from chat import catchup, limits, presenters, queries
from chat.actions.members import remove_member
from chat.models import Conversation, Membership, Message
from chat.ws import catching_up
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_direct, make_group, say
from pneumatic.testing.socket import connected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]

#: What somebody may read; how much that is, where it isn't known; and each part.
STANDING, OUTLINES, PART = 1, 1, 1


def many(world: World, count: int) -> list[Conversation]:
    """Alice's and bob's group, and others with charlie, too; a message in each."""
    found = [world.group, *(make_group(world.alice, world.bob) for _ in range(count - 1))]
    for conversation in found:
        say(world.alice, conversation)
    return found


def read(user: User, versions: dict[str, int] | None = None) -> tuple[list[Any], int]:
    """The pages of a person who knows what `versions` says, and what they cost in queries."""
    queries.epoch()  # as in life: given at first need
    with CaptureQueriesContext(connection) as captured:
        found = catchup.since(user, versions or {}, same_history=True, states=True)
        pages = [catchup.page(part) for part in found.parts]
    return pages, len(captured)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_what_one_part_holds_costs_the_same_however_many_conversations(
    world: World, count: int
) -> None:
    conversations = many(world, count)
    pages, cost = read(world.bob)
    assert [len(page.frames) for page in pages] == [count]
    assert cost == OUTLINES + PART
    versions = {
        str(each.id): Conversation.objects.get(id=each.id).version for each in conversations
    }
    # Nothing to tell but the positions of all.
    assert read(world.bob, versions) == ([], 2)
    for conversation in conversations:
        say(world.alice, conversation)
    pages, cost = read(world.bob, versions)
    assert [[len(frame.messages) for frame in page.frames] for page in pages] == [[1] * count]
    # What they may read tells how little changed. Nobody is beside them in anything else.
    assert cost == STANDING + PART


def test_parts_are_bounded_by_conversations_and_by_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(world, 5)
    monkeypatch.setattr(catchup, "PART_CONVERSATIONS", 2)
    pages, cost = read(world.bob)
    assert [len(page.frames) for page in pages] == [2, 2, 1]
    assert cost == OUTLINES + 3 * PART
    # Of each: two messages (one of the system) and two members.
    monkeypatch.setattr(catchup, "PART_CONVERSATIONS", 200)
    monkeypatch.setattr(catchup, "PART_ROWS", 12)
    pages, cost = read(world.bob)
    assert [len(page.frames) for page in pages] == [3, 2]
    assert cost == OUTLINES + 2 * PART
    assert max(_rows(page) for page in pages) <= 12


def test_what_is_read_at_once_is_what_the_tables_hold(world: World) -> None:
    sent = [say(world.alice, world.group, body) for body in ('"a" \\ \n \u2028 🦊', "hi @bob")]
    moment = timezone.now()
    rows, one = Message.objects.filter(conversation=world.group), Message.objects.filter
    one(id=sent[0].id).update(edited_at=moment, pinned_at=moment)
    one(id=sent[1].id).update(reply_to=sent[0].id)
    one(id=say(world.alice, world.group).id).update(body="", deleted_at=moment, sender=None)
    Conversation.objects.filter(id=world.group.id).update(topic="T", archived_at=moment)
    places = Membership.objects.filter(conversation=world.group).select_related("user")
    places.filter(user=world.bob).update(muted_until=moment, pinned=True)
    places.filter(user=world.alice).update(own_after_read=1, left_at=moment)
    seat = queries.seats_of(world.bob).get()
    assert seat.unread_mentions == 1  # type: ignore[attr-defined]  # annotated
    for known in ({}, {str(world.group.id): 0}):
        (((frame,),),) = [[page.frames for page in read(world.bob, known)[0]]]
        assert frame.reset == (not known)
        assert frame.data == presenters.conversation(seat.conversation, seat)
        assert frame.members == [presenters.member(each) for each in places.order_by("version")]
        assert frame.messages == [presenters.message(each) for each in rows.order_by("version")]
        assert [(each.user, each.read_seq) for each in frame.receipts] == [
            (world.bob.id, seat.read_seq)
        ]


def test_of_large_conversations_no_positions_are_read(world: World) -> None:
    Conversation.objects.update(member_count=limits.SMALL_CONVERSATION + 1)
    ((page,), _) = read(world.bob)
    assert [frame.receipts for frame in page.frames] == [[]]
    assert not any(page.acquaintances.values())


def test_a_conversation_with_more_rows_than_a_part_comes_alone_and_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Conversation.objects.get(id=world.group.id).version
    for _ in range(7):
        say(world.alice, world.group)
    say(world.alice, make_direct(world.alice, world.bob))
    monkeypatch.setattr(catchup, "PART_ROWS", 4)
    monkeypatch.setattr(limits, "SYNC_FRAME_ROWS", 3)
    pages, _ = read(world.bob, {str(world.group.id): known})
    assert sorted(_rows(page) for page in pages) == [3, 7]


def test_what_changed_too_often_while_a_part_waited_its_turn_comes_as_a_reset(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Conversation.objects.get(id=world.group.id).version
    monkeypatch.setattr(limits, "SYNC_MAX", 3)
    monkeypatch.setattr(limits, "PAGE", 2)
    say(world.alice, world.group)
    found = catchup.since(world.bob, {str(world.group.id): known}, same_history=True)
    for number in range(3):
        say(world.alice, world.group, f"meanwhile {number}")
    ((frame,),) = [catchup.page(part).frames for part in found.parts]
    assert (frame.reset, frame.from_) == (True, 0)
    assert [each.body for each in frame.messages] == ["meanwhile 1", "meanwhile 2"]
    assert len(frame.members) == 2


def test_nobody_is_told_of_those_beside_them_in_what_they_were_just_put_out_of(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = make_direct(world.alice, world.bob)
    standing = queries.standings_of([world.bob.id])[world.bob.id]
    around = queries.beside([world.bob.id])[world.bob.id]
    # The one that the device is behind in; outlines are read as it comes anew.
    known = {**standing.versions, str(world.group.id): 999}
    remove_member(remover=world.alice, conversation_id=world.group.id, user_id=world.bob.id)
    found = catchup.since(
        world.bob, known, same_history=True, states=True, standing=standing, around=around
    )
    assert found.removed == [str(world.group.id)]
    assert str(world.group.id) not in found.beside.receipts
    assert str(direct.id) in found.beside.receipts


def test_in_parts_or_at_once_it_is_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    many(world, 5)
    (at_once,), _ = read(world.alice)
    monkeypatch.setattr(catchup, "PART_CONVERSATIONS", 1)
    pages, _ = read(world.alice)
    assert [frame for page in pages for frame in page.frames] == at_once.frames
    met = {of: who for page in pages for of, who in page.acquaintances.items()}
    assert met == at_once.acquaintances


@pytest.mark.needs_postgres
def test_positions_come_in_one_order_whichever_way_the_database_finds_them(world: World) -> None:
    # Where it reads the table through, those rows come last that were written last.
    say(world.alice, world.group)
    orders = []
    for usable in ("on", "off"):
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL enable_indexscan = {usable}")
            cursor.execute(f"SET LOCAL enable_bitmapscan = {usable}")
        ((page,), _) = read(world.bob)
        orders.append([receipt.user for frame in page.frames for receipt in frame.receipts])
    assert orders[0] == orders[1] == sorted([world.alice.id, world.bob.id])


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_a_socket_has_sent_one_part_before_the_next_is_read(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    conversations = await in_database(many, world, 6)
    monkeypatch.setattr(catchup, "PART_CONVERSATIONS", 2)
    page, tell, happened = catchup.page, catching_up._tell_frame, list[str]()

    def reading(part: catchup.Part) -> catchup.Page:
        happened.append("read")
        return page(part)

    async def telling(*arguments: Any) -> bool:
        happened.append("told")
        return await tell(*arguments)

    monkeypatch.setattr(catchup, "page", reading)
    monkeypatch.setattr(catching_up, "_tell_frame", telling)
    async with connected(world.bob) as (bob,):
        assert set(bob.mirror.conversations) == {str(each.id) for each in conversations}
    assert happened == ["read", "told", "told"] * 3


def _rows(page: catchup.Page) -> int:
    return sum(len(frame.members) + len(frame.messages) for frame in page.frames)
