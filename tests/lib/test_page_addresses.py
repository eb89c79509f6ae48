import pytest
from django.test import Client


@pytest.mark.parametrize(
    "path",
    ["/", "/sign-in", "/register", "/signed-out", "/outbox", "/settings", "/settings/profile"],
)
def test_a_page_can_be_opened_directly_and_names_no_user(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert "'unsafe" not in answer["Content-Security-Policy"]


def test_browsers_find_the_icon_where_they_look_for_it(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302
    assert answer["Location"] == "/static/icons/mark.svg"


@pytest.mark.parametrize("path", ["/nowhere", "/c/not-a-uuid", "/settings/pro/file"])
def test_an_unknown_page_is_a_page_not_a_traceback(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert b"<html" in answer.content
