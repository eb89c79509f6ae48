from typing import Any
from uuid import uuid4

import pytest

from chat.tests.api.conftest import As
from pneumatic.testing.factories import World, make_direct, make_group, make_user

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture
def path(world: World) -> str:
    return f"conversations/{world.group.id}/members/"


def test_members_are_listed_for_members_with_what_they_are(
    world: World, as_: As, path: str
) -> None:
    rows = as_(world.bob).get(path).json()["results"]
    found = {row["user"]["username"]: row["role"] for row in rows}
    assert found == {"alice": "owner", "bob": "member"}


def test_a_long_list_of_members_comes_in_pages_for_few_queries(
    world: World, as_: As, django_assert_max_num_queries: Any
) -> None:
    people = [make_user(f"person{number}") for number in range(6)]
    group = make_group(world.alice, *people)
    address: str | None = f"conversations/{group.id}/members/?limit=3"
    ids: list[str] = []
    while address:
        with django_assert_max_num_queries(3):
            page = as_(world.alice).get(address).json()
        ids += [row["user"]["id"] for row in page["results"]]
        address = page["next"]
    assert ids == sorted(str(person.id) for person in (world.alice, *people))


def test_a_person_is_brought_in_once(world: World, as_: As, path: str) -> None:
    first = as_(world.alice).post(path, {"user": str(world.charlie.id)})
    again = as_(world.alice).post(path, {"user": str(world.charlie.id), "role": "admin"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["role"] == "member"
    assert as_(world.charlie).get(path).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "user"),
        ({"user": "bob"}, "user"),
        ({"user": str(uuid4())}, "user"),
        ({"user": None}, "user"),
        ({"role": "emperor"}, "role"),
        ({"role": "owner"}, "role"),
        ({"joined_at": "2020-01-01T00:00:00Z"}, "joined_at"),
        ({"version": 1}, "version"),
    ],
)
def test_who_cannot_be_brought_in_is_refused_by_name(
    world: World, as_: As, path: str, body: dict[str, Any], field: str
) -> None:
    valid = {} if "user" in body or not body else {"user": str(world.charlie.id)}
    answer = as_(world.alice).post(path, valid | body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_members_bring_nobody_in(world: World, as_: As, path: str) -> None:
    answer = as_(world.bob).post(path, {"user": str(world.charlie.id)})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_nobody_makes_themselves_more_than_they_are(world: World, as_: As, path: str) -> None:
    for role in ("admin", "owner"):
        answer = as_(world.bob).patch(f"{path}{world.bob.id}/", {"role": role})
        assert answer.json()["code"] == "forbidden"


def test_a_new_owner_makes_the_old_one_an_admin(world: World, as_: As, path: str) -> None:
    answer = as_(world.alice).patch(f"{path}{world.bob.id}/", {"role": "owner"})
    assert answer.json()["role"] == "owner"
    assert as_(world.bob).get(f"{path}{world.alice.id}/").json()["role"] == "admin"


def test_who_leaves_reads_nothing_more(world: World, as_: As, path: str) -> None:
    bob = as_(world.bob)
    assert bob.delete(f"{path}{world.bob.id}/").status_code == 204
    assert bob.get(path).json()["code"] == "not_found"
    assert bob.get(f"conversations/{world.group.id}/messages/").json()["code"] == "not_found"
    assert as_(world.alice).get(f"{path}{world.bob.id}/").json()["code"] == "not_found"


def test_a_member_takes_nobody_out(world: World, as_: As, path: str) -> None:
    assert as_(world.bob).delete(f"{path}{world.alice.id}/").json()["code"] == "forbidden"


def test_an_owner_leaves_only_when_somebody_else_is_the_owner(
    world: World, as_: As, path: str
) -> None:
    alice = as_(world.alice)
    assert alice.delete(f"{path}{world.alice.id}/").json()["code"] == "forbidden"
    alice.patch(f"{path}{world.bob.id}/", {"role": "owner"})
    assert alice.delete(f"{path}{world.alice.id}/").status_code == 204


def test_a_direct_conversation_stays_between_two(world: World, as_: As) -> None:
    direct = make_direct(world.alice, world.bob)
    path = f"conversations/{direct.id}/members/"
    alice = as_(world.alice)
    for answer in (
        alice.post(path, {"user": str(world.charlie.id)}),
        alice.delete(f"{path}{world.bob.id}/"),
        alice.patch(f"{path}{world.bob.id}/", {"role": "admin"}),
        alice.delete(f"conversations/{direct.id}/"),
        alice.patch(f"conversations/{direct.id}/", {"title": "Us"}),
    ):
        assert answer.json()["code"] == "forbidden"
