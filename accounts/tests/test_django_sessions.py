"""Django's own sessions, of the administration and the browsable API, end with all the others."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts import actions
from accounts.models import AuditEvent, Session, User
from accounts.tests.conftest import PASSWORD

SESSIONS, LOGOUT_ALL = "/api/v1/auth/sessions/", "/api/v1/auth/logout-all/"
On = Callable[[Session], APIClient]


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice, signed in with Django's session; she is staff."""
    alice.is_staff = True
    alice.save()
    client = Client()
    client.force_login(alice)
    assert _is_in(client)
    assert client.get("/admin/").status_code == 200
    return client


def _is_in(client: Client) -> bool:
    return client.get(SESSIONS).status_code == 200


ENDS: dict[str, Callable[[User], object]] = {
    "signing out everywhere": lambda user: actions.sign_out_everywhere(user=user),
    "a change of password": lambda user: actions.change_password(
        user=user, old=PASSWORD, new="nine blue candles"
    ),
    "a password set by staff": lambda user: actions.set_password(
        user=user, new="nine blue candles"
    ),
    "suspension": lambda user: actions.suspend_user(user=user),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_django_session_ends_with(
    alice: User, browser: Client, end: Callable[[User], object]
) -> None:
    end(alice)

    assert not _is_in(browser)
    assert browser.get("/admin/").status_code == 302


def test_a_django_session_does_not_come_back_with_the_reactivation(
    alice: User, browser: Client
) -> None:
    actions.suspend_user(user=alice)
    actions.reactivate_user(user=alice)

    assert not _is_in(browser)


def test_signing_the_others_out_from_a_device_ends_django_sessions_too(
    browser: Client, on: On, laptop: Session
) -> None:
    assert on(laptop).post(LOGOUT_ALL, {"keep_current": True}, format="json").status_code == 204

    assert not _is_in(browser)
    assert on(laptop).get(SESSIONS).status_code == 200


def test_signing_the_others_out_from_a_django_session_keeps_just_that_one(
    alice: User, browser: Client, laptop: Session
) -> None:
    other = Client()
    other.force_login(alice)
    before = browser.cookies["sessionid"].value

    wishes = {"keep_current": True}
    assert browser.post(LOGOUT_ALL, wishes, content_type="application/json").status_code == 204

    assert _is_in(browser)
    assert browser.cookies["sessionid"].value != before
    assert not _is_in(other)
    laptop.refresh_from_db()
    assert laptop.revoked_at is not None


def test_one_device_that_is_signed_out_leaves_the_rest_alone(
    alice: User, browser: Client, laptop: Session
) -> None:
    actions.revoke_session(user=alice, session_id=laptop.pk)

    assert _is_in(browser)


@pytest.fixture
def root(db: None) -> Client:
    """A superuser in the administration."""
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.org", PASSWORD))
    return client


def _change(client: Client, user: User, **powers: object) -> None:
    form = {
        "email": user.email,
        "sessions-TOTAL_FORMS": "0",
        "sessions-INITIAL_FORMS": "0",
        **powers,
    }
    answer = client.post(f"/admin/accounts/user/{user.pk}/change/", form)
    assert answer.status_code == 302, answer.content


def test_security_4_whose_powers_change_signs_in_anew_everywhere_and_it_is_audited(
    root: Client, alice: User, browser: Client, laptop: Session
) -> None:
    group = Group.objects.create(name="moderators")
    group.permissions.set(Permission.objects.filter(codename="view_user"))

    _change(root, alice, is_staff="on", groups=[group.pk])

    laptop.refresh_from_db()
    assert laptop.revoked_at is not None
    assert not _is_in(browser)
    changed, ended = AuditEvent.objects.all()[:2]
    assert (changed.kind, changed.user_id) == ("powers_changed", alice.pk)
    assert changed.detail == {"changed": "groups"}
    assert changed.actor_id == User.objects.get(username="root").pk
    assert changed.address == "127.0.0.1"
    assert ended.kind == "signed_out_everywhere"


def test_another_address_of_e_mail_is_no_other_power(
    root: Client, alice: User, browser: Client
) -> None:
    alice.email = "lind@example.org"
    _change(root, alice, is_staff="on")

    assert _is_in(browser)


def test_what_staff_do_to_people_and_devices_is_audited_with_who_did_it(
    root: Client, alice: User, laptop: Session, phone: Session
) -> None:
    for action, path, pk in (
        ("revoke", "session", phone.pk),
        ("suspend", "user", alice.pk),
        ("reactivate", "user", alice.pk),
        ("sign_out", "user", alice.pk),
    ):
        chosen = {"action": action, "_selected_action": [str(pk)]}
        assert root.post(f"/admin/accounts/{path}/", chosen).status_code == 302

    me = User.objects.get(username="root").pk
    events = AuditEvent.objects.exclude(kind__in=("signed_in", "session_listed"))
    events = events.order_by("number")
    assert [event.kind for event in events] == [
        "session_revoked", "suspended", "reactivated", "signed_out_everywhere",
    ]  # fmt: skip
    assert {(event.user_id, event.actor_id) for event in events} == {(alice.pk, me)}
    assert events[0].detail == {"session": str(phone.pk), "device": "Phone"}


def test_what_people_do_to_their_devices_is_audited(
    on: On, alice: User, laptop: Session, phone: Session
) -> None:
    tablet = actions.open_session(user=alice, device="Tablet")
    on(laptop).delete(f"{SESSIONS}{phone.pk}/")
    on(tablet).post("/api/v1/auth/logout/")
    on(laptop).post(LOGOUT_ALL)

    events = AuditEvent.objects.exclude(kind="signed_in").order_by("number")
    assert [(event.kind, event.detail.get("device")) for event in events] == [
        ("session_revoked", "Phone"),
        ("signed_out", "Tablet"),
        ("signed_out_everywhere", None),
    ]
    assert {(event.user_id, event.actor_id) for event in events} == {(alice.pk, None)}
    assert {event.address for event in events} == {"127.0.0.1"}


# --- Among the devices ---


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def _by_form(door: str) -> Client:
    client = Client(REMOTE_ADDR="192.0.2.7", headers={"user-agent": FIREFOX})
    form = {"username": "alice", "password": PASSWORD}
    assert client.post(reverse(door), form).status_code == 302
    return client


@pytest.mark.parametrize(
    ("door", "page"),
    [("admin:login", "administration"), ("rest_framework:login", "browsable API")],
)
def test_a_django_session_is_listed_and_ended_like_any_device(
    browser: Client, laptop: Session, on: On, door: str, page: str
) -> None:
    office = _by_form(door)

    [listed] = [
        each
        for each in on(laptop).get(SESSIONS).json()["results"]
        if each["device"] == f"Firefox on Linux, {page}"
    ]
    assert (listed["address"], listed["current"]) == ("192.0.2.7", False)
    [mine] = [each for each in office.get(SESSIONS).json()["results"] if each["current"]]
    assert mine["id"] == listed["id"]
    assert on(laptop).delete(f"{SESSIONS}{listed['id']}/").status_code == 204

    assert not _is_in(office)
    assert office.get("/admin/").status_code == 302
    assert _is_in(browser), "only that one"


def test_the_staff_ends_a_django_session_too(root: Client, alice: User) -> None:
    office = _by_form("rest_framework:login")
    row = Session.objects.get(user=alice)
    chosen = {"action": "revoke", "_selected_action": [str(row.pk)]}
    root.post("/admin/accounts/session/", chosen)

    assert not _is_in(office)


@pytest.mark.parametrize("door", ["admin", "rest_framework"])
def test_signing_out_takes_it_off_the_list(browser: Client, alice: User, door: str) -> None:
    office = _by_form(f"{door}:login")
    assert _is_in(office)
    office.post(reverse(f"{door}:logout"))

    assert not _is_in(office)
    assert _is_in(browser)
    # The other one is that of the fixture.
    reasons = Session.objects.filter(user=alice).values_list("revoked_reason", flat=True)
    assert sorted(reasons) == ["", "signed_out"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("logout-all/", {"keep_current": True}),
        ("password/change/", {"old_password": PASSWORD, "new_password": "nine blue candles"}),
    ],
)
def test_who_asks_from_it_stays_and_the_others_go(
    alice: User, laptop: Session, path: str, body: dict[str, object]
) -> None:
    here, there = _by_form("rest_framework:login"), _by_form("rest_framework:login")
    answer = here.post(f"/api/v1/auth/{path}", body, content_type="application/json")
    assert answer.status_code == 204

    assert _is_in(here)
    assert not _is_in(there)
    [mine] = here.get(SESSIONS).json()["results"]
    assert mine["current"]


def test_a_django_session_ends_after_its_two_weeks(alice: User) -> None:
    office = _by_form("rest_framework:login")
    row = Session.objects.get(user=alice)
    assert row.expires_at - row.created_at == timedelta(weeks=2)
    Session.objects.filter(pk=row.pk).update(expires_at=row.created_at + timedelta(seconds=1))
    with time_machine.travel(row.created_at + timedelta(seconds=2), tick=False):
        assert not _is_in(office)


def _from_before_the_upgrade(user: User) -> Client:
    """Signed in by a version that listed no such sessions."""
    client = Client(REMOTE_ADDR="192.0.2.7", headers={"user-agent": FIREFOX})
    client.force_login(user)
    assert not Session.objects.filter(user=user).exists()
    return client


def test_a_session_from_before_the_upgrade_is_listed_and_ended_like_the_others(
    alice: User, bob: User
) -> None:
    office = _from_before_the_upgrade(alice)

    [mine] = office.get(SESSIONS).json()["results"]
    assert (mine["device"], mine["address"]) == ("Firefox on Linux, browsable API", "192.0.2.7")
    assert mine["current"]
    assert [each["id"] for each in office.get(SESSIONS).json()["results"]] == [mine["id"]]
    assert [event.kind for event in AuditEvent.objects.all()] == ["session_listed"]
    actions.revoke_session(user=alice, session_id=Session.objects.get().pk)

    assert not _is_in(office)
    assert not Session.objects.filter(revoked_at=None).exists(), "and it isn't listed anew"


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_list_such_a_session_once(alice: User) -> None:
    office = _from_before_the_upgrade(alice)
    together = threading.Barrier(6)

    def ask(_: int) -> int:
        client = Client()
        client.cookies["sessionid"] = office.cookies["sessionid"].value
        together.wait(20)
        try:
            return client.get(SESSIONS).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(6))) == {200}
    assert Session.objects.count() == 1
    assert _is_in(office)


def test_the_row_of_a_django_session_opens_nothing_else(alice: User, anyone: APIClient) -> None:
    """Nobody was given tokens of it; who signs one for it has our key."""
    office = _by_form("rest_framework:login")
    assert not [name for name in office.cookies if "refresh" in name]
    assert "token" not in office.get(SESSIONS).content.decode()
