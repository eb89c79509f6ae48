"""Nobody gets somebody else into a session that they know, and no form is sent from elsewhere."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Session, User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
FORMS = ("admin:login", "rest_framework:login")


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", "root@example.org", PASSWORD)


@pytest.mark.parametrize("door", FORMS)
@pytest.mark.parametrize("planted", ["of nobody", "of somebody else", "that never was"])
def test_a_planted_session_is_not_the_one_that_somebody_signs_in_to(
    root: User, door: str, planted: str
) -> None:
    attacker, victim = Client(), Client()
    if planted == "of somebody else":
        attacker.force_login(User.objects.create_user("mallory", "m@example.org", PASSWORD))
    elif planted == "of nobody":
        session = attacker.session
        session["planted"] = True
        session.save()
    else:
        attacker.cookies["sessionid"] = "x" * 32
    known = attacker.cookies["sessionid"].value
    victim.cookies["sessionid"] = known
    answer = victim.post(reverse(door), {"username": "root", "password": PASSWORD})
    assert answer.status_code == 302
    assert victim.cookies["sessionid"].value != known
    assert victim.get("/api/v1/users/me/").json()["username"] == "root"

    who = attacker.get("/api/v1/users/me/")
    assert who.status_code == 401 or who.json()["username"] == "mallory"


@pytest.mark.parametrize("door", FORMS)
def test_no_other_site_fills_in_a_form_of_ours(root: User, door: str) -> None:
    client = Client(enforce_csrf_checks=True)
    form = {"username": "root", "password": PASSWORD}
    assert client.post(reverse(door), form).status_code == 403
    token = client.get(reverse(door)).cookies["csrftoken"].value
    from_elsewhere = {"origin": "https://evil.example"}
    signed = {**form, "csrfmiddlewaretoken": token}
    assert client.post(reverse(door), signed, headers=from_elsewhere).status_code == 403
    assert not Session.objects.exists()
    assert client.post(reverse(door), signed).status_code == 302


@pytest.mark.parametrize("door", ["admin:logout", "rest_framework:logout"])
def test_no_other_site_signs_its_visitors_out(root: User, door: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    assert client.get(reverse(door)).status_code == 405
    assert client.post(reverse(door)).status_code == 403
    assert client.get("/api/v1/users/me/").status_code == 200
