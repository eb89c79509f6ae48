import uuid
from typing import Any

import pytest

from chat.actions.conversations import change_group, close_group, create_group, open_direct
from chat.actions.members import add_member, change_role, remove_member
from chat.actions.profiles import change_profile
from chat.actions.typing import set_typing
from chat.errors import (
    BadField,
    IdTaken,
    NoSuchConversation,
    NoSuchMember,
    NoSuchPerson,
    NotAllowed,
)
from chat.models import Conversation, Membership
from chat.queries import conversation_for, seats_of
from pneumatic.testing.factories import World, make_direct, make_group, make_user, say


def _bodies(conversation: Conversation) -> list[str]:
    return list(conversation.messages.order_by("seq").values_list("body", flat=True))


def _role(conversation: Conversation, name: str) -> str:
    return conversation.memberships.get(user__username=name).role


def test_two_people_have_one_direct_conversation_whoever_begins_it(world: World) -> None:
    first = open_direct(user=world.alice, other_id=world.charlie.id)
    second = open_direct(user=world.charlie, other_id=world.alice.id)
    assert (first.created, second.created) == (True, False)
    assert first.seat.conversation == second.seat.conversation
    assert second.seat.membership.user_id == world.charlie.id


def test_a_direct_conversation_needs_another_person(world: World) -> None:
    with pytest.raises(BadField):
        open_direct(user=world.alice, other_id=world.alice.id)
    with pytest.raises(NoSuchPerson):
        open_direct(user=world.alice, other_id=uuid.uuid4())


def test_a_direct_conversation_stays_what_it_is(world: World) -> None:
    direct = make_direct(world.alice, world.bob)
    for refused in (
        lambda: add_member(adder=world.alice, conversation_id=direct.id, user_id=world.charlie.id),
        lambda: remove_member(
            remover=world.alice, conversation_id=direct.id, user_id=world.alice.id
        ),
        lambda: change_group(changer=world.alice, conversation_id=direct.id, title="Us"),
        lambda: close_group(closer=world.alice, conversation_id=direct.id),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_a_group_is_created_once_under_its_id(world: World) -> None:
    id = uuid.uuid4()

    def create(creator: Any = world.alice) -> tuple[Conversation, bool]:
        begun = create_group(
            creator=creator, id=id, title=" Crew ", member_ids=[world.bob.id, world.alice.id]
        )
        return begun.seat.conversation, begun.created

    group, created = create()
    assert created
    assert group.title == "Crew"
    assert group.member_count == 2
    assert _role(group, "alice") == "owner"
    assert create() == (group, False)
    with pytest.raises(IdTaken):
        create(world.bob)


@pytest.mark.parametrize(
    "title",
    [
        *("", " ", "x" * 101, "two\nlines", "dis\u202eguised", "\x00", "\ud800"),
        *("\u3164", "\u2800", "\u2060", "\u00ad", "\u061c", "\u0301"),
    ],
)
def test_a_title_that_cannot_be_is_refused_by_name(world: World, title: str) -> None:
    with pytest.raises(BadField) as caught:
        make_group(world.alice, title=title)
    assert list(caught.value.fields) == ["title"]


def test_unknown_people_and_too_many_people_are_refused_by_name(world: World) -> None:
    for members in ([uuid.uuid4()], [uuid.uuid4() for _ in range(101)]):
        with pytest.raises(BadField) as caught:
            create_group(creator=world.alice, id=uuid.uuid4(), title="x", member_ids=members)
        assert list(caught.value.fields) == ["members"]


def test_who_is_added_finds_nothing_unread_but_the_news_of_it(world: World) -> None:
    say(world.alice, world.group)
    _, new = add_member(adder=world.alice, conversation_id=world.group.id, user_id=world.charlie.id)
    _, again = add_member(
        adder=world.alice, conversation_id=world.group.id, user_id=world.charlie.id
    )
    assert (new, again) == (True, False)
    seat = seats_of(world.charlie).get()
    assert seat.conversation.last_seq - seat.read_seq == 1
    assert seat.conversation.member_count == 3
    assert _bodies(world.group)[-1] == "added Charlie"


def test_who_left_comes_back_to_the_same_row(world: World) -> None:
    remove_member(remover=world.bob, conversation_id=world.group.id, user_id=world.bob.id)
    with pytest.raises(NoSuchConversation):
        conversation_for(world.bob, world.group.id)
    add_member(adder=world.alice, conversation_id=world.group.id, user_id=world.bob.id)
    assert Membership.objects.filter(conversation=world.group, user=world.bob).count() == 1
    assert conversation_for(world.bob, world.group.id).conversation.member_count == 2
    assert _bodies(world.group)[-2:] == ["left", "added Bob"]


def test_members_do_not_manage(world: World) -> None:
    group = world.group.id
    for refused in (
        lambda: add_member(adder=world.bob, conversation_id=group, user_id=world.charlie.id),
        lambda: remove_member(remover=world.bob, conversation_id=group, user_id=world.alice.id),
        lambda: change_role(
            changer=world.bob, conversation_id=group, user_id=world.bob.id, role="admin"
        ),
        lambda: change_group(changer=world.bob, conversation_id=group, title="Mine"),
        lambda: close_group(closer=world.bob, conversation_id=group),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_strangers_find_nothing(world: World) -> None:
    group = world.group.id
    for refused in (
        lambda: add_member(adder=world.charlie, conversation_id=group, user_id=world.charlie.id),
        lambda: remove_member(remover=world.charlie, conversation_id=group, user_id=world.bob.id),
        lambda: change_role(
            changer=world.charlie, conversation_id=group, user_id=world.bob.id, role="admin"
        ),
        lambda: change_group(changer=world.charlie, conversation_id=group, title="Mine"),
        lambda: close_group(closer=world.charlie, conversation_id=group),
        lambda: set_typing(user=world.charlie, conversation_id=group, on=True),
    ):
        with pytest.raises(NoSuchConversation):
            refused()


def test_admins_add_and_remove_members_but_not_each_other(world: World) -> None:
    group, dave = world.group.id, make_user("dave")
    for user in (world.charlie, dave):
        add_member(adder=world.alice, conversation_id=group, user_id=user.id)
    for user in (world.bob, world.charlie):
        change_role(changer=world.alice, conversation_id=group, user_id=user.id, role="admin")
    remove_member(remover=world.bob, conversation_id=group, user_id=dave.id)
    with pytest.raises(NotAllowed):
        remove_member(remover=world.bob, conversation_id=group, user_id=world.charlie.id)
    with pytest.raises(NotAllowed):
        add_member(adder=world.bob, conversation_id=group, user_id=dave.id, role="admin")
    with pytest.raises(NoSuchMember):
        remove_member(remover=world.alice, conversation_id=group, user_id=dave.id)


def test_ownership_is_handed_over_before_the_owner_goes(world: World) -> None:
    group = world.group.id
    with pytest.raises(NotAllowed):
        remove_member(remover=world.alice, conversation_id=group, user_id=world.alice.id)
    with pytest.raises(NotAllowed):
        change_role(
            changer=world.alice, conversation_id=group, user_id=world.alice.id, role="member"
        )
    with pytest.raises(BadField):
        change_role(changer=world.alice, conversation_id=group, user_id=world.bob.id, role="king")
    change_role(changer=world.alice, conversation_id=group, user_id=world.bob.id, role="owner")
    assert (_role(world.group, "alice"), _role(world.group, "bob")) == ("admin", "owner")
    remove_member(remover=world.alice, conversation_id=group, user_id=world.alice.id)


def test_the_last_one_to_go_closes_the_group(world: World) -> None:
    group = make_group(world.alice)
    remove_member(remover=world.alice, conversation_id=group.id, user_id=world.alice.id)
    group.refresh_from_db()
    assert group.archived_at is not None
    assert group.member_count == 0


def test_a_closed_group_is_gone_for_everybody_and_its_messages_stay(world: World) -> None:
    say(world.bob, world.group, "last words")
    close_group(closer=world.alice, conversation_id=world.group.id)
    for user in (world.alice, world.bob):
        with pytest.raises(NoSuchConversation):
            conversation_for(user, world.group.id)
    assert "last words" in _bodies(world.group)


def test_renaming_takes_one_version_and_tells_what_happened(world: World) -> None:
    before = conversation_for(world.alice, world.group.id).conversation.version
    seat = change_group(changer=world.alice, conversation_id=world.group.id, title="Landing")
    assert seat.conversation.version == before + 2  # the change itself, and the line about it
    assert _bodies(world.group)[-1] == "named the group “Landing”"
    again = change_group(changer=world.alice, conversation_id=world.group.id, title="Landing")
    assert again.conversation.version == before + 2


def test_a_new_name_reaches_every_conversation(world: World) -> None:
    direct = make_direct(world.alice, world.bob)
    before = {c.id: c.version for c in (direct, world.group)}
    change_profile(user=world.bob, display_name="Robert")
    for conversation in (direct, world.group):
        conversation.refresh_from_db()
        member = conversation.memberships.get(user=world.bob)
        assert member.version == conversation.version > before[conversation.id]
    unchanged = direct.version
    change_profile(user=world.bob, display_name="Robert")
    direct.refresh_from_db()
    assert direct.version == unchanged


def test_a_new_name_of_somebody_who_left_reaches_those_who_stayed(world: World) -> None:
    remove_member(remover=world.alice, conversation_id=world.group.id, user_id=world.bob.id)
    closed = make_group(world.alice, world.bob)
    close_group(closer=world.alice, conversation_id=closed.id)
    closed.refresh_from_db()
    before = Conversation.objects.get(id=world.group.id).version
    change_profile(user=world.bob, display_name="Robert")
    member = world.group.memberships.get(user=world.bob)
    assert (member.version, member.left_at is None) == (before + 1, False)
    assert Conversation.objects.get(id=world.group.id).version == before + 1
    # Nobody reads that one any more.
    assert Conversation.objects.get(id=closed.id).version == closed.version


def test_every_version_of_a_conversation_is_on_one_row(world: World) -> None:
    say(world.alice, world.group)
    change_role(
        changer=world.alice, conversation_id=world.group.id, user_id=world.bob.id, role="admin"
    )
    remove_member(remover=world.bob, conversation_id=world.group.id, user_id=world.bob.id)
    conversation = conversation_for(world.alice, world.group.id).conversation
    versions = [
        *conversation.memberships.values_list("version", flat=True),
        *conversation.messages.values_list("version", flat=True),
    ]
    assert len(versions) == len(set(versions))
    assert max(versions) == conversation.version
