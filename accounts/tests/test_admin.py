from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts import actions, queries
from accounts.models import RevokedReason, Session, User
from accounts.tests.conftest import PASSWORD
from accounts.tests.office import SESSIONS, USERS, filled, run


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org", PASSWORD)


@pytest.fixture
def office(root: User) -> Client:
    """The admin, as a superuser sees it."""
    client = Client()
    client.force_login(root)
    return client


@pytest.mark.parametrize("login", ["ROOT", "root@example.org"])
def test_the_staff_signs_in_by_name_or_address(root: User, login: str) -> None:
    client = Client()
    address = reverse("admin:login")

    assert client.post(address, {"username": login, "password": "wrong"}).status_code == 200
    assert client.post(address, {"username": login, "password": PASSWORD}).status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        r"/\\evil.example",
        "javascript:alert(1)",
        "\thttps:evil",
    ],
)
@pytest.mark.parametrize("door", ["/admin/login/", "/api/v1/sign-in/login/"])
def test_nobody_is_led_elsewhere_after_signing_in(root: User, door: str, elsewhere: str) -> None:
    """Neither by the form, nor by the page for those who are in already, nor on the way out."""
    client = Client()
    came_in = client.post(door, {"username": "root", "password": PASSWORD, "next": elsewhere})
    assert came_in.status_code == 302
    there = [
        came_in,
        client.get(door, {"next": elsewhere}),
        client.post("/admin/logout/", {"next": elsewhere}),
    ]
    for answer in there:
        assert answer.get("Location", "/").startswith("/")
        assert "evil" not in answer.get("Location", "")
        assert "script" not in answer.get("Location", "")


def test_the_suspended_and_the_unknown_do_not_sign_in(root: User) -> None:
    actions.suspend_user(user=root)

    for login in ("root", "nobody", "", "ro\0ot"):
        client = Client()
        client.post(reverse("admin:login"), {"username": login, "password": PASSWORD})
        assert client.get(reverse("admin:index")).status_code == 302


def test_a_suspended_superuser_is_out_of_the_admin_at_once(office: Client, root: User) -> None:
    actions.suspend_user(user=root)

    assert office.get(reverse("admin:index")).status_code == 302


def test_the_lists_cost_the_same_however_long_they_are(
    office: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        user = User.objects.create_user(f"user{number}", f"user{number}@example.org")
        actions.open_session(user=user)
        actions.open_session(user=alice, device=str(number))
    # The first one lists the session, which no form began.
    assert office.get(reverse("admin:index")).status_code == 200

    for page in (USERS, SESSIONS):
        with django_assert_max_num_queries(8):
            answer = office.get(reverse(page))
        assert answer.status_code == 200
    with django_assert_max_num_queries(12):
        answer = office.get(reverse("admin:accounts_user_change", args=(alice.pk,)))
    assert answer.status_code == 200
    session = Session.objects.filter(user=alice).first()
    assert session is not None
    with django_assert_max_num_queries(8):
        answer = office.get(reverse("admin:accounts_session_change", args=(session.pk,)))
    assert answer.status_code == 200


def test_people_and_devices_are_found_by_name_and_address(
    office: Client, alice: User, bob: User, laptop: Session
) -> None:
    def found(page: str, query: str) -> list[Any]:
        rows = office.get(reverse(page), {"q": query}).context["cl"].result_list
        # The office's own session is among the devices.
        return [row for row in rows if getattr(row, "user", row).username != "root"]

    assert found(USERS, "alice@") == [alice]
    assert found(USERS, "bob lee") == [bob]
    assert found(SESSIONS, "alice") == [laptop]
    assert found(SESSIONS, "192.0.2.1") == [laptop]
    assert found(SESSIONS, "bob") == []
    actions.sign_out(session=laptop)
    for state, sessions in (("active", []), ("ended", [laptop])):
        answer = office.get(reverse(SESSIONS), {"state": state, "q": "alice"})
        assert list(answer.context["cl"].result_list) == sessions


def test_the_staff_adds_a_person_who_can_sign_in(office: Client) -> None:
    answer = office.post(
        reverse("admin:accounts_user_add"),
        {
            "username": "carol",
            "email": "carol@example.org",
            "display_name": "",
            "usable_password": "true",
            "password1": "nine blue candles",
            "password2": "nine blue candles",
        },
    )

    assert answer.status_code == 302
    user = actions.sign_in(username="carol", password="nine blue candles").user
    assert user.display_name == "carol"


def test_a_second_person_of_the_same_name_is_not_added(office: Client, alice: User) -> None:
    answer = office.post(
        reverse("admin:accounts_user_add"),
        {
            "username": "ALICE",
            "email": "Alice@example.org",
            "usable_password": "true",
            "password1": "nine blue candles",
            "password2": "nine blue candles",
        },
    )

    assert answer.status_code == 200
    assert User.objects.count() == 2


def test_what_devices_must_be_told_of_is_not_changed_past_the_actions(
    office: Client, alice: User
) -> None:
    address = reverse("admin:accounts_user_change", args=(alice.pk,))
    form = filled(alice, username="eve", display_name="Eve", email="new@example.org")
    del form["is_active"]

    assert "Alice Lind" in office.get(address).text
    answer = office.post(address, form)

    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.username, alice.display_name, alice.is_active, alice.email) == (
        "alice",
        "Alice Lind",
        True,
        "new@example.org",
    )


def test_the_form_keeps_what_an_action_changed_while_it_was_open(
    office: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = User.clean

    def renamed_meanwhile(user: User) -> None:
        clean(user)
        actions.update_profile(user=User.objects.get(pk=user.pk), display_name="A. Lind")

    monkeypatch.setattr(User, "clean", renamed_meanwhile)
    address = reverse("admin:accounts_user_change", args=(alice.pk,))

    assert office.post(address, filled(alice, email="new@example.org")).status_code == 302
    alice.refresh_from_db()
    assert (alice.display_name, alice.email) == ("A. Lind", "new@example.org")


def test_a_password_set_by_the_staff_ends_the_persons_sessions(
    office: Client, alice: User, laptop: Session
) -> None:
    address = reverse("admin:auth_user_password_change", args=(alice.pk,))

    assert office.get(address).status_code == 200
    answer = office.post(
        address,
        {
            "usable_password": "true",
            "password1": "nine blue candles",
            "password2": "nine blue candles",
        },
    )

    assert answer.status_code == 302
    laptop.refresh_from_db()
    assert laptop.revoked_reason == RevokedReason.PASSWORD_CHANGED
    actions.sign_in(username="alice", password="nine blue candles")


@pytest.mark.parametrize("password", ["nine blue candles" * 20, "nine blue\0candles", "short"])
def test_the_staff_sets_no_password_with_which_nobody_gets_in(
    office: Client, alice: User, password: str
) -> None:
    before = alice.password
    form = {"usable_password": "true", "password1": password, "password2": password}
    for address, more in (
        (reverse("admin:auth_user_password_change", args=(alice.pk,)), {}),
        (reverse("admin:accounts_user_add"), {"username": "carol", "email": "c@example.org"}),
    ):
        assert office.post(address, {**form, **more}).status_code == 200
    alice.refresh_from_db()
    assert alice.password == before
    assert not User.objects.filter(username="carol").exists()


def test_a_password_taken_away_ends_the_persons_sessions(
    office: Client, alice: User, laptop: Session
) -> None:
    address = reverse("admin:auth_user_password_change", args=(alice.pk,))

    answer = office.post(address, {"usable_password": "false", "unset-password": "1"})

    assert answer.status_code == 302
    alice.refresh_from_db()
    assert not alice.has_usable_password()
    assert list(queries.sessions_of(alice)) == []


def test_people_are_suspended_reactivated_and_signed_out_from_the_list(
    office: Client, root: User, alice: User, bob: User, laptop: Session
) -> None:
    run(office, USERS, "suspend", alice, bob, root)
    assert set(User.objects.filter(is_active=True)) == {root}
    assert queries.active_session(laptop.pk) is None

    run(office, USERS, "reactivate", alice, bob)
    assert User.objects.filter(is_active=True).count() == 3

    session = actions.open_session(user=alice)
    run(office, USERS, "sign_out", alice)
    assert queries.active_session(session.pk) is None


def test_devices_are_signed_out_from_their_list(
    office: Client, laptop: Session, phone: Session
) -> None:
    run(office, SESSIONS, "revoke", laptop)

    laptop.refresh_from_db()
    assert laptop.revoked_reason == RevokedReason.SIGNED_OUT_ELSEWHERE
    assert queries.active_session(phone.pk) == phone


def test_nobody_adds_changes_or_deletes_what_only_actions_may(
    office: Client, alice: User, laptop: Session
) -> None:
    for name, rows in (
        ("user_delete", (alice.pk,)),
        ("session_delete", (laptop.pk,)),
        ("session_add", ()),
    ):
        assert office.get(reverse(f"admin:accounts_{name}", args=rows)).status_code == 403
    address = reverse("admin:accounts_session_change", args=(laptop.pk,))
    assert office.post(address, {"device": "x"}).status_code == 403


def test_the_office_shows_no_token(office: Client, laptop: Session) -> None:
    page = office.get(reverse("admin:accounts_session_change", args=(laptop.pk,)))

    assert laptop.refresh_jti not in page.text


def test_a_superuser_gives_a_group_its_permissions(office: Client) -> None:
    permission = Permission.objects.get(codename="view_session", content_type__app_label="accounts")
    form = {"name": "desk", "permissions": [str(permission.pk)]}

    assert office.post(reverse("admin:auth_group_add"), form).status_code == 302

    assert list(Group.objects.get().permissions.all()) == [permission]
