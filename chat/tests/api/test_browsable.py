"""The browsable API, for people who are signed in with Django's session."""

import re

import pytest
from django.test import Client

from pneumatic.testing.factories import World, say

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture
def browser(world: World) -> Client:
    client = Client(headers={"accept": "text/html"})
    client.force_login(world.alice)
    return client


def test_rows_are_shown(world: World, browser: Client) -> None:
    say(world.bob, world.group, "<script>alert(1)</script>")
    page = browser.get(f"/api/v1/conversations/{world.group.id}/messages/").content.decode()
    assert "alert(1)" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("conversations/", ["id", "kind", "title", "members"]),
        ("conversations/{group}/members/", ["user", "role"]),
        ("conversations/{group}/messages/", ["id", "body", "reply_to", "attachments"]),
        ("conversations/{group}/", ["title", "topic"]),
        ("users/me/", ["display_name"]),
    ],
)
def test_a_form_shows_what_may_be_sent(
    world: World, browser: Client, path: str, fields: list[str]
) -> None:
    page = browser.get(f"/api/v1/{path.format(group=world.group.id)}").content.decode()
    form = re.search(r'<textarea name="_content"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert form is not None
    assert all(f"&quot;{field}&quot;" in form[1] for field in fields)


def test_a_form_is_sent_with_a_token_only(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.alice)
    answer = browser.post(
        f"/api/v1/conversations/{world.group.id}/read/",
        {"seq": 1},
        content_type="application/json",
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_problems_are_pages_too(world: World, browser: Client) -> None:
    answer = browser.get("/api/v1/users/")
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_options_tell_what_a_door_takes(world: World, browser: Client) -> None:
    answer = browser.options(
        f"/api/v1/conversations/{world.group.id}/messages/",
        headers={"accept": "application/json"},
    )
    assert set(answer.json()["actions"]["POST"]) == {"id", "body", "reply_to", "attachments"}
