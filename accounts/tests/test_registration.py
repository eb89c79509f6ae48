"""Who may join: everybody, who is invited, who is of a domain, or nobody."""

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks as Committed
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import actions
from accounts.models import User
from accounts.tests.joining import CAROL, REGISTER, register
from accounts.tests.password import PASSWORD


def test_closed_means_closed(db: None, anyone: APIClient, settings: Settings) -> None:
    settings.REGISTRATION = "closed"
    _, link = actions.invite(created_by=None)
    code = link.partition("#")[2]

    for body in (CAROL, {**CAROL, "invitation": code}):
        answer = anyone.post(REGISTER, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert not User.objects.exists()


def test_a_domain_lets_its_own_people_in(
    verified: None, settings: Settings, committed: Committed
) -> None:
    settings.REGISTRATION, settings.REGISTRATION_DOMAINS = "domain", ["Example.org"]
    code = actions.invite(created_by=None)[1].partition("#")[2]

    assert register(committed, email="carol@EXAMPLE.org").status_code == 202
    for email in ("carol@example.org.evil.net", "carol@notexample.org", "carol@a.example.org"):
        refused = register(committed, email=email)
        assert (refused.status_code, set(refused.json()["errors"])) == (400, {"email"})
    guest = register(committed, email="carol@elsewhere.net", invitation=code)
    assert guest.status_code == 202


@pytest.mark.parametrize(
    "name", ["admin", "Admin", "root", "support", "sys.tem", "staff_1", "AD-MIN", "pneumatic.chat"]
)
def test_names_of_those_who_run_the_place_are_reserved(
    db: None, anyone: APIClient, name: str
) -> None:
    answer = anyone.post(REGISTER, {**CAROL, "username": name})

    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"username"})
    assert User.objects.create_superuser(name, "root@example.org", PASSWORD).username == name


@pytest.mark.parametrize("name", ["administrata", "rooty", "badmin", "supporter"])
def test_names_that_only_begin_like_them_are_free(db: None, anyone: APIClient, name: str) -> None:
    assert anyone.post(REGISTER, {**CAROL, "username": name}).status_code == 201


def test_where_all_need_a_second_factor_a_newcomer_is_sent_to_set_one_up(
    db: None, anyone: APIClient, settings: Settings
) -> None:
    settings.REQUIRE_SECOND_FACTOR = "everyone"

    answer = anyone.post(REGISTER, CAROL)
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_setup_required")
    setup = {"username": "carol", "password": PASSWORD}
    assert anyone.post("/api/v1/auth/second-factor/setup/", setup).status_code == 201
