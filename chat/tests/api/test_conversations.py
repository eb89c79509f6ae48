from base64 import b64encode
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.models import Conversation, Membership
from chat.tests.api.conftest import As
from pneumatic.testing.factories import World, make_direct, make_group, make_user, say

pytestmark = pytest.mark.usefixtures("published")


def a_group(*members: Any, title: str = "Valves") -> dict[str, Any]:
    ids = [str(each.id) for each in members]
    return {"id": str(uuid4()), "kind": "group", "title": title, "members": ids}


def test_a_group_is_begun_once_however_often_it_is_asked_for(world: World, as_: As) -> None:
    body = a_group(world.bob)
    first = as_(world.alice).post("conversations/", body)
    again = as_(world.alice).post("conversations/", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["id"] == body["id"]
    assert first.json()["me"]["role"] == "owner"


def test_an_id_that_names_another_conversation_is_a_conflict(world: World, as_: As) -> None:
    body = a_group(world.bob) | {"id": str(world.group.id)}
    answer = as_(world.charlie).post("conversations/", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"}, "id"),
        ({"id": 5}, "id"),
        ({"id": None}, "id"),
        ({"kind": "direct"}, "kind"),
        ({"title": ""}, "title"),
        ({"title": "a" * 101}, "title"),
        ({"title": "a\u202eb"}, "title"),
        ({"title": 5}, "title"),
        ({"members": "bob"}, "members"),
        ({"members": ["bob"]}, "members.0"),
        ({"members": [str(uuid4())]}, "members"),
        ({"members": [str(uuid4()) for _ in range(101)]}, "members"),
        ({"created_by": str(uuid4())}, "created_by"),
        ({"version": 9}, "version"),
        ({"last_seq": 9}, "last_seq"),
    ],
)
def test_a_group_that_cannot_be_is_refused_by_name(
    world: World, as_: As, change: dict[str, Any], field: str
) -> None:
    answer = as_(world.alice).post("conversations/", a_group(world.bob) | change)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == [field]
    assert Conversation.objects.count() == 1


def test_two_people_have_one_direct_conversation(world: World, as_: As) -> None:
    first = as_(world.alice).post("conversations/direct/", {"user": str(world.charlie.id)})
    again = as_(world.charlie).post("conversations/direct/", {"user": str(world.alice.id)})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


def test_nobody_talks_to_themselves_or_to_somebody_who_is_not_there(world: World, as_: As) -> None:
    alice = as_(world.alice)
    assert alice.post("conversations/direct/", {"user": str(world.alice.id)}).status_code == 400
    answer = alice.post("conversations/direct/", {"user": str(uuid4())})
    assert answer.json()["code"] == "not_found"


def test_the_list_has_ones_own_conversations_only_and_ones_own_part(world: World, as_: As) -> None:
    direct = make_direct(world.bob, world.charlie)
    say(world.charlie, direct, "hello")
    rows = as_(world.bob).get("conversations/").json()["results"]
    assert {row["id"] for row in rows} == {str(world.group.id), str(direct.id)}
    unread = {row["id"]: row["me"]["unread"] for row in rows}
    assert unread == {str(world.group.id): 1, str(direct.id): 1}
    ids = [row["id"] for row in as_(world.alice).get("conversations/").json()["results"]]
    assert ids == [str(world.group.id)]


def test_pages_turn_forwards_and_back_without_loss(world: World, as_: As) -> None:
    for number in range(4):
        make_group(world.alice, title=f"Group {number}")
    alice = as_(world.alice)
    seen, address, pages = [], "conversations/?limit=2", []
    while address:
        page = alice.get(address).json()
        pages.append(page)
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert [len(page["results"]) for page in pages] == [2, 2, 1]
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 5
    back = alice.get(pages[1]["previous"]).json()
    assert back["results"] == pages[0]["results"]


def test_a_conversation_is_the_same_in_a_list_and_by_itself(world: World, as_: As) -> None:
    direct = make_direct(world.alice, world.bob)
    say(world.alice, world.group, "@bob, look")
    say(world.bob, direct)
    muted = Membership.objects.filter(user=world.bob, conversation=world.group)
    muted.update(pinned=True, muted_until=timezone.now())
    Conversation.objects.filter(id=world.group.id).update(archived_at=timezone.now(), topic="Air")
    bob = as_(world.bob)
    rows = bob.get("conversations/").json()["results"]
    assert rows == [bob.get(f"conversations/{row['id']}/").json() for row in rows]
    assert {row["me"]["mentions"] for row in rows} == {0, 1}


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        ("o=1", [2, 1]),  # by number, which no answer of ours holds
        ("o=1&r=1", [2, 1]),
        ("p={3}", [2, 1]),
        ("p={3}&o=1", [1, 0]),
        ("p={1}&r=1", [3, 2]),
        ("p={0}", []),
    ],
)
def test_a_cursor_is_a_place_a_direction_and_a_number_to_leave_out(
    db: None, as_: As, cursor: str, expected: list[int]
) -> None:
    dora = make_user("dora")
    ids = sorted(str(make_group(dora, title=f"Group {number}").id) for number in range(4))
    said = b64encode(cursor.format(*ids).encode()).decode()
    page = as_(dora).get("conversations/", {"limit": "2", "cursor": said}).json()
    assert [ids.index(row["id"]) for row in page["results"]] == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=garbage", "cursor"),
        ("cursor=cD1hYmM=", "cursor"),  # p=abc
        ("cursor=w6k=", "cursor"),
        ("page=2", "page"),
    ],
)
def test_a_page_that_cannot_be_is_refused_by_name(
    world: World, as_: As, query: str, field: str
) -> None:
    for path in ("conversations/", f"conversations/{world.group.id}/members/"):
        answer = as_(world.alice).get(f"{path}?{query}")
        assert answer.status_code == 400, answer.content
        assert list(answer.json()["errors"]) == [field]


def test_the_list_costs_a_few_queries_however_long_it_is(
    world: World, as_: As, django_assert_max_num_queries: Any
) -> None:
    for number in range(8):
        say(world.bob, make_group(world.bob, world.alice, title=f"G{number}"), "hey @alice")
    with django_assert_max_num_queries(2):
        rows = as_(world.alice).get("conversations/").json()["results"]
    assert len(rows) == 9
    assert sum(row["me"]["mentions"] for row in rows) == 8


def test_a_group_is_renamed_by_those_who_manage_it(world: World, as_: As) -> None:
    path = f"conversations/{world.group.id}/"
    say(world.bob, world.group, "hey @alice")
    answer = as_(world.alice).patch(path, {"title": "Landing crew", "topic": "Softly"})
    assert (answer.json()["title"], answer.json()["topic"]) == ("Landing crew", "Softly")
    assert answer.json()["me"]["mentions"] == 1
    assert as_(world.bob).patch(path, {"title": "Mine"}).json()["code"] == "forbidden"
    assert as_(world.bob).get(path).json()["title"] == "Landing crew"


def test_only_title_and_topic_can_be_changed(world: World, as_: As) -> None:
    path = f"conversations/{world.group.id}/"
    before = as_(world.alice).get(path).json()
    change = {"kind": "direct", "version": 1, "last_seq": 99, "archived_at": None, "me": {}}
    answer = as_(world.alice).patch(path, change)
    assert set(answer.json()["errors"]) == set(change)
    assert as_(world.alice).get(path).json() == before


def test_a_closed_group_is_gone_for_everybody(world: World, as_: As) -> None:
    path = f"conversations/{world.group.id}/"
    assert as_(world.bob).delete(path).json()["code"] == "forbidden"
    assert as_(world.alice).delete(path).status_code == 204
    for person in (world.alice, world.bob):
        assert as_(person).get(path).json()["code"] == "not_found"


def test_reading_moves_forwards_only_and_never_past_the_end(world: World, as_: As) -> None:
    path = f"conversations/{world.group.id}/read/"
    say(world.alice, world.group, "hey @bob")
    bob = as_(world.bob)
    assert bob.post(path, {"seq": 1}).json() == {
        "read_seq": 1,
        "delivered_seq": 1,
        "unread": 1,
        "mentions": 1,
    }
    assert bob.post(path, {"seq": 2**53}).json() == {
        "read_seq": 2,
        "delivered_seq": 2,
        "unread": 0,
        "mentions": 0,
    }
    assert bob.post(path, {"seq": 0}).json()["read_seq"] == 2


@pytest.mark.parametrize("seq", [-1, 2**53 + 1, "1", 1.5, True, None, [1]])
def test_a_position_is_a_whole_number(world: World, as_: As, seq: object) -> None:
    answer = as_(world.bob).post(f"conversations/{world.group.id}/read/", {"seq": seq})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["seq"])


def test_what_is_unread_is_told_to_oneself_alone(world: World, as_: As) -> None:
    other = make_user("dora")
    group = make_group(world.alice, other)
    say(world.alice, group, "one")
    path = f"conversations/{group.id}/"
    assert as_(world.alice).get(path).json()["me"]["unread"] == 0
    assert as_(other).get(path).json()["me"]["unread"] == 2
