"""The refresh token as a cookie: who gets it, who may use it, who takes it back."""

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import actions, tokens
from accounts.api import cookies
from accounts.models import Session, User
from accounts.tests.test_api_doors import ALICE, CAROL, REFRESH, REGISTER, TOKEN, post


def test_in_cookie_mode_no_script_sees_the_refresh_token(
    anyone: APIClient, alice: User, settings: Settings
) -> None:
    settings.HTTPS = True

    answer = post(anyone, TOKEN, {**ALICE, "cookie": True})

    assert "refresh" not in answer.json()
    cookie = answer.cookies[cookies.NAME]
    assert tokens.verify_refresh(cookie.value).user_id == alice.pk
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == REFRESH
    assert 30 * 86_400 - 5 <= cookie["max-age"] <= 30 * 86_400


def test_registering_has_a_cookie_mode_too(anyone: APIClient, db: None) -> None:
    answer = post(anyone, REGISTER, {**CAROL, "cookie": True})

    assert answer.status_code == 201
    assert "refresh" not in answer.json()
    assert answer.cookies[cookies.NAME].value


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": "http://testserver"},
        {"sec-fetch-site": "none"},
        {"origin": "http://testserver"},
        {"origin": "https://chat.example.org"},
    ],
    ids=str,
)
def test_the_cookie_refreshes_from_our_own_pages(
    anyone: APIClient, laptop: Session, settings: Settings, headers: dict[str, str]
) -> None:
    settings.ALLOWED_ORIGINS = ["https://chat.example.org"]
    first = tokens.issue(laptop).refresh
    anyone.cookies[cookies.NAME] = first

    answer = post(anyone, REFRESH, {}, **headers)

    assert answer.status_code == 200
    assert "refresh" not in answer.json()
    assert answer.cookies[cookies.NAME].value != first


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://testserver"},
        {"origin": "http://testserver:8000"},
        {"origin": "http://testserver.evil.example"},
        {"origin": "http://testserver", "sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
def test_the_cookie_is_of_no_use_to_other_sites(
    anyone: APIClient, alice: User, laptop: Session, headers: dict[str, str]
) -> None:
    anyone.cookies[cookies.NAME] = tokens.issue(laptop).refresh

    assert post(anyone, REFRESH, {}, **headers).status_code == 403
    assert post(anyone, TOKEN, {**ALICE, "cookie": True}, **headers).status_code == 403
    assert post(anyone, REGISTER, {**CAROL, "cookie": True}, **headers).status_code == 403
    before = laptop.refresh_jti
    laptop.refresh_from_db()
    assert laptop.refresh_jti == before
    assert User.objects.count() == 1


def test_a_form_of_another_site_signs_nobody_in(anyone: APIClient, alice: User) -> None:
    answer = anyone.post(TOKEN, "username=alice", content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 415


def test_without_token_and_cookie_there_is_nothing_to_refresh(anyone: APIClient, db: None) -> None:
    assert post(anyone, REFRESH, {}).status_code == 401


def test_a_cookie_that_is_refused_is_taken_back(anyone: APIClient, laptop: Session) -> None:
    anyone.cookies[cookies.NAME] = tokens.issue(laptop).refresh
    actions.sign_out(session=laptop)

    answer = post(anyone, REFRESH, {})

    assert answer.status_code == 401
    cookie = answer.cookies[cookies.NAME]
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", 0, REFRESH)
