from typing import Any
from uuid import uuid4

import pytest

from chat import metrics
from chat.models import Message
from chat.tests.api.conftest import As
from pneumatic.testing.factories import World, make_direct, make_group, say

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture
def path(world: World) -> str:
    return f"conversations/{world.group.id}/messages/"


def a_message(**changes: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "body": "hello", **changes}


def test_a_message_is_sent_once_however_often_it_is_posted(
    world: World, as_: As, path: str
) -> None:
    counted = metrics.MESSAGES.labels("rest")._value.get()
    body = a_message(attachments=[], reply_to=None)
    first = as_(world.alice).post(path, body)
    again = as_(world.alice).post(path, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["seq"], first.json()["sender"]) == (2, str(world.alice.id))
    assert metrics.MESSAGES.labels("rest")._value.get() == counted + 1


@pytest.mark.parametrize("change", ["body", "sender", "conversation", "reply_to"])
def test_the_same_id_for_something_else_is_a_conflict(
    world: World, as_: As, path: str, change: str
) -> None:
    first = say(world.alice, world.group, "earlier")
    body = a_message()
    as_(world.alice).post(path, body)
    sender, where = world.alice, path
    if change == "body":
        body["body"] = "goodbye"
    elif change == "sender":
        sender = world.bob
    elif change == "conversation":
        where = f"conversations/{make_group(world.alice).id}/messages/"
    else:
        body["reply_to"] = str(first.id)
    answer = as_(sender).post(where, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"}, "id"),
        ({"id": "x"}, "id"),
        ({"body": ""}, "body"),
        ({"body": " \n "}, "body"),
        ({"body": "a" * 4001}, "body"),
        ({"body": 5}, "body"),
        ({"body": True}, "body"),
        ({"body": None}, "body"),
        ({"reply_to": str(uuid4())}, "reply_to"),
        ({"attachments": [str(uuid4())]}, "attachments"),
        ({"attachments": None}, "attachments"),
        ({"sender": str(uuid4())}, "sender"),
        ({"seq": 1}, "seq"),
        ({"version": 1}, "version"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
        ({"kind": "system"}, "kind"),
        ({"conversation": str(uuid4())}, "conversation"),
        ({"edited_at": None}, "edited_at"),
    ],
)
def test_a_message_that_cannot_be_is_refused_by_name(
    world: World, as_: As, path: str, change: dict[str, Any], field: str
) -> None:
    answer = as_(world.alice).post(path, a_message() | change)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == [field]
    assert Message.objects.count() == 1


def test_a_body_may_be_as_long_as_is_said_and_keeps_its_lines(
    world: World, as_: As, path: str
) -> None:
    text = "a\n\tb" + "é" * 3996
    assert as_(world.alice).post(path, a_message(body=text)).json()["body"] == text


def test_a_reply_names_a_message_of_the_same_conversation(world: World, as_: As, path: str) -> None:
    first = say(world.bob, world.group)
    elsewhere = say(world.alice, make_direct(world.alice, world.charlie))
    alice = as_(world.alice)
    answer = alice.post(path, a_message(reply_to=str(first.id)))
    assert answer.json()["reply_to"] == str(first.id)
    answer = alice.post(path, a_message(reply_to=str(elsewhere.id)))
    assert list(answer.json()["errors"]) == ["reply_to"]


def seqs(answer: Any) -> tuple[list[int], bool, bool]:
    body = answer.json()
    return [row["seq"] for row in body["results"]], body["has_before"], body["has_after"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ([8, 9, 10], True, False)),
        ("before_seq=3", ([1, 2], False, True)),
        ("before_seq=4", ([1, 2, 3], False, True)),
        ("before_seq=5", ([2, 3, 4], True, True)),
        ("before_seq=1", ([], False, True)),
        ("before_seq=0", ([], False, True)),
        ("before_seq=99", ([8, 9, 10], True, False)),
        ("after_seq=0", ([1, 2, 3], False, True)),
        ("after_seq=7", ([8, 9, 10], True, False)),
        ("after_seq=9", ([10], True, False)),
        ("after_seq=10", ([], True, False)),
        ("after_seq=9007199254740992", ([], True, False)),
        ("around_seq=5", ([4, 5, 6], True, True)),
        ("around_seq=1", ([1, 2, 3], False, True)),
        ("around_seq=0", ([1, 2, 3], False, True)),
        ("around_seq=10", ([8, 9, 10], True, False)),
        ("around_seq=9007199254740992", ([8, 9, 10], True, False)),
    ],
)
def test_history_is_read_from_any_place_to_its_edges(
    world: World, as_: As, path: str, query: str, expected: tuple[list[int], bool, bool]
) -> None:
    for number in range(9):
        say(world.bob, world.group, f"message {number}")
    assert seqs(as_(world.alice).get(f"{path}?limit=3&{query}")) == expected


def test_an_empty_conversation_has_an_empty_history(world: World, as_: As) -> None:
    path = f"conversations/{make_direct(world.alice, world.bob).id}/messages/"
    for query in ("", "?before_seq=5", "?after_seq=0", "?around_seq=5"):
        answer = as_(world.alice).get(path + query)
        assert answer.json()["results"] == [], query
        assert not answer.json()["has_after"], query


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("before_seq=1&after_seq=1", {"before_seq", "after_seq"}),
        ("limit=0", {"limit"}),
        ("limit=101", {"limit"}),
        ("before_seq=-1", {"before_seq"}),
        ("after_seq=x", {"after_seq"}),
        ("around_seq=9007199254740993", {"around_seq"}),
        ("around_seq=" + "9" * 400, {"around_seq"}),
        ("befor_seq=1", {"befor_seq"}),
        ("offset=10", {"offset"}),
    ],
)
def test_a_place_that_cannot_be_is_refused_by_name(
    world: World, as_: As, path: str, query: str, fields: set[str]
) -> None:
    answer = as_(world.alice).get(f"{path}?{query}")
    assert (answer.status_code, set(answer.json()["errors"])) == (400, fields)


def test_a_page_of_history_costs_three_queries(
    world: World, as_: As, path: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        say(world.bob, world.group, f"@alice {number}")
    with django_assert_max_num_queries(3):
        assert len(as_(world.alice).get(path).json()["results"]) == 13


def test_sending_costs_few_queries(
    world: World, as_: As, path: str, django_assert_max_num_queries: Any
) -> None:
    # Two savepoints' worth of them are the transaction's own.
    with django_assert_max_num_queries(9):
        assert as_(world.alice).post(path, a_message()).status_code == 201


def test_one_edits_what_one_wrote_and_nothing_else(world: World, as_: As, path: str) -> None:
    message = say(world.bob, world.group, "helo")
    one = f"{path}{message.id}/"
    answer = as_(world.bob).patch(one, {"body": "hello"})
    assert (answer.json()["body"], answer.json()["edited_at"] is None) == ("hello", False)
    assert as_(world.alice).patch(one, {"body": "mine"}).json()["code"] == "forbidden"
    refused = as_(world.bob).patch(one, {"body": "x", "sender": str(world.alice.id)})
    assert list(refused.json()["errors"]) == ["sender"]
    assert as_(world.alice).get(one).json()["body"] == "hello"


def test_a_deleted_message_leaves_a_tombstone(world: World, as_: As, path: str) -> None:
    message = say(world.bob, world.group, "oops")
    one = f"{path}{message.id}/"
    assert as_(world.alice).delete(one).status_code == 204  # she manages the group
    assert as_(world.bob).delete(one).status_code == 204
    row = as_(world.bob).get(one).json()
    assert (row["body"], row["deleted_at"] is None) == ("", False)
    assert as_(world.bob).patch(one, {"body": "back"}).json()["code"] == "forbidden"


def test_members_delete_only_what_they_wrote(world: World, as_: As, path: str) -> None:
    message = say(world.alice, world.group)
    assert as_(world.bob).delete(f"{path}{message.id}/").json()["code"] == "forbidden"


def test_a_message_is_not_found_in_another_conversation(world: World, as_: As) -> None:
    message = say(world.alice, world.group)
    wrong = f"conversations/{make_group(world.alice).id}/messages/{message.id}/"
    alice = as_(world.alice)
    for answer in (alice.get(wrong), alice.patch(wrong, {"body": "x"}), alice.delete(wrong)):
        assert answer.json()["code"] == "not_found"
