"""The admin of somebody who may change people, and has no powers to give."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import actions, queries
from accounts.models import User
from accounts.tests.conftest import PASSWORD
from accounts.tests.office import SESSIONS, USERS, filled, run


@pytest.fixture
def desk(db: None) -> Client:
    """The admin, as someone sees it who may change people but has no powers of their own."""
    clerk = User.objects.create_user("clerk", "clerk@example.org", PASSWORD, is_staff=True)
    clerk.user_permissions.set(
        Permission.objects.filter(
            codename__in=("view_user", "change_user", "view_session", "change_session")
        )
    )
    client = Client()
    client.force_login(clerk)
    return client


def test_a_clerk_gives_nobody_powers(desk: Client, alice: User) -> None:
    address = reverse("admin:accounts_user_change", args=(alice.pk,))

    assert desk.get(address).status_code == 200
    form = filled(alice, email="new@example.org", is_staff="on", is_superuser="on")
    answer = desk.post(address, form)

    assert answer.status_code == 302
    alice.refresh_from_db()
    assert alice.email == "new@example.org"
    assert not alice.is_staff
    assert not alice.is_superuser


@pytest.mark.parametrize("power", ["is_superuser", "is_staff"])
def test_a_clerk_does_not_touch_a_superuser_or_a_colleague(
    desk: Client, bob: User, power: str
) -> None:
    """Else the clerk could come in as them, and do what they may do."""
    User.objects.filter(pk=bob.pk).update(**{power: True}, second_factor_at=timezone.now())
    session = actions.open_session(user=bob)
    change = reverse("admin:accounts_user_change", args=(bob.pk,))
    password = reverse("admin:auth_user_password_change", args=(bob.pk,))

    assert desk.post(change, filled(bob, email="mine@example.org")).status_code == 403
    assert desk.post(password, {"password1": "y" * 12, "password2": "y" * 12}).status_code == 403
    run(desk, USERS, "suspend", bob)
    run(desk, USERS, "sign_out", bob)
    run(desk, USERS, "remove_second_factor", bob)
    run(desk, SESSIONS, "revoke", session)

    bob.refresh_from_db()
    assert (bob.email, bob.is_active) == ("bob@example.org", True)
    assert bob.second_factor_at is not None
    assert queries.active_session(session.pk) == session


def test_a_clerk_reaches_their_own_record_and_devices(desk: Client) -> None:
    clerk = User.objects.get(username="clerk")
    session = actions.open_session(user=clerk)
    change = reverse("admin:accounts_user_change", args=(clerk.pk,))

    assert desk.post(change, filled(clerk, email="new@example.org")).status_code == 302
    run(desk, SESSIONS, "revoke", session)

    clerk.refresh_from_db()
    assert clerk.email == "new@example.org"
    assert queries.active_session(session.pk) is None


def test_a_clerk_sees_groups_and_gives_them_nothing(desk: Client) -> None:
    clerk = User.objects.get(username="clerk")
    group = Group.objects.create(name="desk")
    clerk.groups.add(group)
    clerk.user_permissions.set(Permission.objects.filter(content_type__model="group"))
    everything = {"name": "desk", "permissions": [str(p.pk) for p in Permission.objects.all()]}
    change = reverse("admin:auth_group_change", args=(group.pk,))

    assert desk.get(change).status_code == 200
    assert desk.post(change, everything).status_code == 403
    assert desk.post(reverse("admin:auth_group_add"), everything).status_code == 403
    remove = reverse("admin:auth_group_delete", args=(group.pk,))
    assert desk.post(remove, {"post": "yes"}).status_code == 403

    assert not group.permissions.exists()
