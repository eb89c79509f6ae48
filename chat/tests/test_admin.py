from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from chat.actions.moderation import remove_message
from chat.errors import NoSuchMessage, NotAllowed
from chat.models import Conversation, Membership, Mention, Message
from chat.queries import epoch
from pneumatic.testing.factories import World, make_direct, make_group, make_user, say

MODELS = ("conversation", "membership", "message", "mention", "history")


@pytest.fixture
def moderator(db: None) -> User:
    user = make_user("moira")
    user.is_staff = user.is_superuser = True
    user.save()
    return user


@pytest.fixture
def office(moderator: User) -> Client:
    client = Client()
    client.force_login(moderator)
    return client


@pytest.fixture
def crowd(world: World) -> World:
    """At least 25 rows of each kind, in different conversations, of different people."""
    for number in range(25):
        person = make_user(f"person{number}")
        group = make_group(person, world.alice, title=f"Group {number}")
        say(person, group, "hello @alice")
    epoch()
    return world


def removal(*messages: Message) -> dict[str, Any]:
    ids = [str(message.id) for message in messages]
    return {"action": "delete_for_everyone", "_selected_action": ids}


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("model", MODELS)
def test_lists_cost_the_same_however_many_rows_they_show(
    office: Client, model: str, django_assert_max_num_queries: Any
) -> None:
    # The first one lists the session, which no form began.
    assert office.get("/admin/").status_code == 200
    # Session, person, device, count, rows.
    with django_assert_max_num_queries(6):
        assert office.get(f"/admin/chat/{model}/").status_code == 200


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "text", ["alice", "Launch", "0190b6a0-0000-7000-8000-000000000000", "%00", "'; --", "9" * 50]
)
def test_lists_can_be_searched_for_anything(office: Client, model: str, text: str) -> None:
    assert office.get(f"/admin/chat/{model}/", {"q": text}).status_code == 200


def test_a_search_finds_by_name_and_by_id(world: World, office: Client) -> None:
    make_group(world.bob, title="Other")
    for text in ("Launch", str(world.group.id)):
        page = office.get("/admin/chat/conversation/", {"q": text}).content.decode()
        assert "Launch crew" in page
        assert "Other" not in page


def test_the_list_of_messages_keeps_their_text_to_itself(world: World, office: Client) -> None:
    message = say(world.alice, world.group, "a very private remark")
    page = office.get("/admin/chat/message/").content.decode()
    assert str(message.id) in page
    assert "private remark" not in page
    found = office.get("/admin/chat/message/", {"q": "private"}).content.decode()
    assert str(message.id) not in found


def test_who_opens_a_message_is_on_record(world: World, office: Client, moderator: User) -> None:
    message = say(world.alice, world.group, "a very private remark")
    assert b"private remark" in office.get(f"/admin/chat/message/{message.id}/change/").content
    entry = LogEntry.objects.get(object_id=message.id)
    assert (entry.user, entry.change_message) == (moderator, "Opened to read.")
    assert "private" not in entry.object_repr


@pytest.mark.parametrize("model", MODELS)
def test_no_row_can_be_added_changed_or_deleted(world: World, office: Client, model: str) -> None:
    say(world.bob, world.group, "hey @alice")
    epoch()
    base = f"/admin/chat/{model}/"
    assert office.get(f"{base}add/").status_code == 403
    row: Any = {
        "conversation": world.group.pk,
        "membership": Membership.objects.first(),
        "message": Message.objects.first(),
        "mention": Message.objects.last(),
        "history": 1,
    }[model]
    key = getattr(row, "pk", row)
    if model == "mention":
        key = Mention.objects.get().pk
    before = office.get(f"{base}{key}/change/").content
    assert b'name="_save"' not in before
    assert office.post(f"{base}{key}/change/", {"title": "x", "body": "x"}).status_code == 403
    assert office.post(f"{base}{key}/delete/", {"post": "yes"}).status_code == 403
    assert b"delete_selected" not in office.get(base).content


def test_a_moderator_deletes_messages_for_everyone(
    world: World,
    office: Client,
    published: list[tuple[str, dict[str, Any]]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    message = say(world.alice, world.group, "spam")
    version = message.version
    with django_capture_on_commit_callbacks(execute=True):
        answer = office.post("/admin/chat/message/", removal(message), follow=True)
    assert b"Deleted for everyone: 1." in answer.content
    message.refresh_from_db()
    assert (message.body, message.version) == ("", version + 1)
    assert message.deleted_at is not None
    ((group, envelope),) = published
    assert group == f"conversation.{world.group.id}"
    assert '"deleted_at":"' in envelope["text"]
    assert LogEntry.objects.get(object_id=message.id).change_message == "Deleted for everyone."


@pytest.mark.usefixtures("published")
def test_deleting_again_changes_nothing(world: World, office: Client, moderator: User) -> None:
    message = say(world.alice, make_direct(world.alice, world.bob), "spam")
    first = remove_message(moderator=moderator, message_id=message.id)
    assert remove_message(moderator=moderator, message_id=message.id).version == first.version
    system = Message.objects.get(conversation=world.group, kind="system")
    answer = office.post("/admin/chat/message/", removal(message, system), follow=True)
    assert b"Deleted for everyone: 0." in answer.content


@pytest.mark.usefixtures("published")
def test_what_nobody_wrote_cannot_be_removed(world: World, moderator: User) -> None:
    system = Message.objects.get(conversation=world.group, kind="system")
    with pytest.raises(NotAllowed):
        remove_message(moderator=moderator, message_id=system.id)
    with pytest.raises(NoSuchMessage):
        remove_message(moderator=moderator, message_id=uuid4())


def test_staff_who_may_only_look_delete_nothing(world: World, moderator: User) -> None:
    moderator.is_superuser = False
    moderator.save()
    moderator.user_permissions.add(Permission.objects.get(codename="view_message"))
    message = say(world.alice, world.group, "fine")
    office = Client()
    office.force_login(moderator)
    assert b"delete_for_everyone" not in office.get("/admin/chat/message/").content
    office.post("/admin/chat/message/", removal(message))
    message.refresh_from_db()
    assert message.body == "fine"
    assert office.get("/admin/chat/conversation/").status_code == 403


def test_nobody_else_gets_in(world: World) -> None:
    client = Client()
    client.force_login(world.alice)
    assert client.get("/admin/chat/message/").status_code == 302
    assert Conversation.objects.count() == 1
