from uuid import uuid4

import pytest

from chat.tests.api.conftest import As, Client
from pneumatic.testing.factories import World


def test_people_are_found_by_the_beginning_of_their_name(world: World, as_: As) -> None:
    answer = as_(world.charlie).get("users/?q=bo")
    assert answer.json() == {
        "results": [
            {
                "id": str(world.bob.id),
                "username": "bob",
                "display_name": "Bob",
                "avatar": None,
            }
        ],
        "next": None,
        "previous": None,
    }


def test_a_search_for_nothing_is_refused(world: World, as_: As) -> None:
    for query in ("", "?q=", "?q=%20"):
        answer = as_(world.alice).get(f"users/{query}")
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["q"])


def test_anybody_active_can_be_seen(world: World, as_: As) -> None:
    path = f"users/{world.alice.id}/"
    assert as_(world.charlie).get(path).json()["username"] == "alice"
    world.alice.is_active = False
    world.alice.save()
    assert as_(world.charlie).get(path).json()["code"] == "not_found"
    assert as_(world.charlie).get(f"users/{uuid4()}/").status_code == 404


def test_the_email_address_is_shown_to_oneself_alone(world: World, as_: As) -> None:
    assert as_(world.alice).get("users/me/").json()["email"] == "alice@example.org"
    assert "email" not in as_(world.bob).get(f"users/{world.alice.id}/").json()


@pytest.mark.usefixtures("published")
def test_a_new_display_name_is_shown_in_every_conversation(world: World, as_: As) -> None:
    answer = as_(world.alice).patch("users/me/", {"display_name": " Alice M. "})
    assert (answer.status_code, answer.json()["display_name"]) == (200, "Alice M.")
    members = as_(world.bob).get(f"conversations/{world.group.id}/members/").json()["results"]
    assert "Alice M." in [each["user"]["display_name"] for each in members]


def test_a_profile_takes_a_display_name_and_nothing_else(world: World, as_: As) -> None:
    answer = as_(world.alice).patch(
        "users/me/", {"display_name": "A", "is_staff": True, "email": "x@example.org"}
    )
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"is_staff", "email"}
    world.alice.refresh_from_db()
    assert (world.alice.is_staff, world.alice.display_name) == (False, "Alice")


@pytest.mark.parametrize("name", ["\u202egnp.exe", "a" * 65, "a\nb", 7, None, ["a"]])
def test_a_display_name_that_misleads_is_refused(world: World, as_: As, name: object) -> None:
    answer = as_(world.alice).patch("users/me/", {"display_name": name})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["display_name"])


def test_nobody_gets_in_without_signing_in(db: None, anonymous: Client) -> None:
    answer = anonymous.get("users/?q=a")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")
