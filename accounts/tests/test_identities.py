"""Which account somebody from the provider gets; the provider itself is in test_oidc.py."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts import actions, queries
from accounts.actions.identities import sign_in_with_identity, unlink_identity
from accounts.errors import SignOnFailed, WrongCredentials
from accounts.models import AuditEvent, Identity, SecondFactor, Session, User
from accounts.tests.conftest import PASSWORD
from accounts.tests.identities import CAROL, enter


def test_the_session_knows_the_device(db: None) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    session = sign_in_with_identity(
        person=CAROL, may_register=True, user_agent=agent, address="192.0.2.7"
    )

    assert (session.address, session.user_agent) == ("192.0.2.7", agent)
    assert "Firefox" in session.device
    assert session.user.last_login is not None


def test_the_same_subject_of_another_provider_is_somebody_else(db: None) -> None:
    first = enter()
    other = replace(CAROL, issuer="https://evil.example", email="other@example.org")

    assert enter(other) != first


def test_an_identity_belongs_to_one_person(alice: User, bob: User) -> None:
    Identity.objects.create(user=alice, issuer="https://id.example.org", subject="1")

    with pytest.raises(IntegrityError):
        Identity.objects.create(user=bob, issuer="https://id.example.org", subject="1")


# --- Joining ---


def test_whoever_owns_the_address_joins_its_account(alice: User) -> None:
    assert enter(replace(CAROL, email="ALICE@example.org")) == alice

    alice.refresh_from_db()
    assert (alice.username, alice.display_name) == ("alice", "Alice Lind")
    assert User.objects.count() == 1


def test_a_trap_set_with_somebody_elses_address_shuts(
    alice: User,
    laptop: Session,
    published: list[tuple[str, dict[str, Any]]],
    committed: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Who registered with the address may not own it, and waits with password and session."""
    with committed(execute=True):
        session = sign_in_with_identity(person=replace(CAROL, email=alice.email), may_register=True)

    with pytest.raises(WrongCredentials):
        actions.sign_in(username="alice", password=PASSWORD)
    assert queries.active_session(laptop.pk) is None
    assert [each["session"] for _, each in published] == [str(laptop.pk)]
    assert queries.active_session(session.pk) is not None


def test_the_second_time_ends_nothing(alice: User) -> None:
    carol = replace(CAROL, email=alice.email)
    enter(carol)
    phone = actions.open_session(user=alice, device="Phone")

    enter(carol)

    assert queries.active_session(phone.pk) is not None


def test_staff_keeps_the_password_for_the_admin(alice: User, laptop: Session) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)

    enter(replace(CAROL, email=alice.email))

    assert actions.sign_in(username="alice", password=PASSWORD).user == alice
    assert queries.active_session(laptop.pk) is not None


def test_a_suspended_account_is_not_joined(alice: User) -> None:
    actions.suspend_user(user=alice)

    with pytest.raises(SignOnFailed) as refused:
        enter(replace(CAROL, email=alice.email))

    assert refused.value.reason == "suspended"
    told = AuditEvent.objects.get(kind="sign_in_failed")
    assert (told.user_id, told.detail["door"]) == (alice.pk, "sign_on")
    assert told.detail["because"] == "suspended"
    assert not Identity.objects.exists()
    alice.refresh_from_db()
    assert alice.has_usable_password()


def test_an_address_that_is_not_verified_joins_nothing(alice: User, laptop: Session) -> None:
    with pytest.raises(SignOnFailed):
        enter(replace(CAROL, email=alice.email, email_verified=False))

    assert not AuditEvent.objects.filter(kind="sign_in_failed").exists()
    assert queries.active_session(laptop.pk) is not None
    assert not Identity.objects.exists()


def test_a_username_that_is_taken_joins_nothing(alice: User) -> None:
    """Only the address counts: anybody may call themselves alice."""
    newcomer = enter(replace(CAROL, username="alice"))

    assert newcomer != alice
    assert newcomer.username == "alice2"


def test_nobody_joins_by_what_an_address_can_be_mistaken_for(alice: User) -> None:
    for other in ("alice@example.org.evil.example", "alice+x@example.org", " alice@example.com"):
        person = replace(CAROL, subject=other, email=other.strip())
        assert enter(person) != alice


@pytest.mark.parametrize(
    "email", ["\u212aim@example.org", "kim@example.org\u200b", "kim@\u212aelvin.example"]
)
def test_an_address_in_other_letters_joins_nobody(db: None, email: str) -> None:
    """The Kelvin sign is a k in lower case, and another mailbox."""
    for address in ("kim@example.org", "kim@kelvin.example"):
        User.objects.create_user(address.partition("@")[2].replace(".", "-"), address, PASSWORD)

    with pytest.raises(SignOnFailed) as refused:
        enter(replace(CAROL, email=email))

    assert refused.value.reason == "unverified"
    assert not Identity.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_make_one_account() -> None:
    together = threading.Barrier(4)

    def come(_: int) -> str:
        together.wait(10)
        try:
            return str(enter().pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        users = set(pool.map(come, range(4)))

    assert len(users) == User.objects.count() == Identity.objects.count() == 1
    assert Session.objects.count() == 4


def test_when_it_was_used_last_is_known(db: None) -> None:
    enter()
    Identity.objects.update(last_used_at=timezone.now() - timedelta(days=9))

    enter()

    assert timezone.now() - Identity.objects.get().last_used_at < timedelta(days=1)


def test_the_office_can_unlink_an_identity(alice: User) -> None:
    root = User.objects.create_superuser("root", "root@example.org", PASSWORD)
    linked = Identity.objects.create(user=alice, issuer="https://id.example.org", subject="1")
    office = Client()
    office.force_login(root)
    page = reverse("admin:accounts_identity_changelist")
    assert b"https://id.example.org" in office.get(page).content

    office.post(page, {"action": "unlink", "_selected_action": [str(linked.pk)]})

    assert not Identity.objects.exists()


def test_a_clerk_unlinks_nobody_who_may_do_more(alice: User) -> None:
    root = User.objects.create_superuser("root", "root@example.org", PASSWORD)
    clerk = User.objects.create_user("clerk", "clerk@example.org", PASSWORD, is_staff=True)
    clerk.user_permissions.set(
        Permission.objects.filter(codename__in=("view_identity", "change_identity"))
    )
    colleague = User.objects.create_user("dora", "dora@example.org", PASSWORD, is_staff=True)
    rows = [
        Identity.objects.create(user=user, issuer="https://id.example.org", subject=user.username)
        for user in (root, colleague, alice)
    ]
    desk = Client()
    desk.force_login(clerk)

    desk.post(
        reverse("admin:accounts_identity_changelist"),
        {"action": "unlink", "_selected_action": [str(row.pk) for row in rows]},
    )

    assert set(Identity.objects.all()) == set(rows[:2])


@pytest.mark.parametrize("how", ["has one", "must have one"])
def test_no_provider_goes_around_a_second_factor(db: None, settings: Settings, how: str) -> None:
    user = enter()
    if how == "has one":
        User.objects.filter(pk=user.pk).update(second_factor_at=timezone.now())
    else:
        settings.REQUIRE_SECOND_FACTOR = "everyone"
    sessions = Session.objects.count()
    with pytest.raises(SignOnFailed) as refusal:
        enter()
    assert refusal.value.reason == "second_factor"
    assert Session.objects.count() == sessions


@pytest.mark.parametrize("staff", [False, True])
def test_nobody_joins_an_account_with_a_second_factor(
    alice: User, laptop: Session, staff: bool
) -> None:
    """The provider's word about an address takes no second factor away, and nothing else."""
    now = timezone.now()
    User.objects.filter(pk=alice.pk).update(second_factor_at=now, is_staff=staff)
    SecondFactor.objects.create(user=alice, secret="sealed", confirmed_at=now)

    with pytest.raises(SignOnFailed) as refused:
        enter(replace(CAROL, email=alice.email))

    assert refused.value.reason == "second_factor"
    alice.refresh_from_db()
    assert alice.second_factor_at == now
    assert alice.check_password(PASSWORD)
    assert SecondFactor.objects.filter(user=alice).exists()
    assert queries.active_session(laptop.pk) is not None
    assert not Identity.objects.exists()


def test_joining_and_unlinking_are_audited(alice: User, bob: User) -> None:
    enter(replace(CAROL, email=alice.email))
    unlink_identity(identity=alice.identities.get(), actor=bob)
    kinds = [(each.kind, each.actor_id) for each in AuditEvent.objects.order_by("number")]
    assert kinds == [
        ("identity_joined", None),
        ("signed_in", None),
        ("identity_unlinked", bob.pk),
    ]
