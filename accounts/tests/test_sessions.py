from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts import actions, queries
from accounts.actions.sessions import FORGET_AFTER, TOUCH_EVERY
from accounts.errors import NoSuchSession, WrongCredentials
from accounts.hashers import Argon2Hasher
from accounts.models import AuditEvent, RevokedReason, Session, User
from accounts.tests.conftest import PASSWORD

Published = list[tuple[str, dict[str, Any]]]


@pytest.mark.parametrize("login", ["alice", "ALICE", "Alice@Example.org"])
def test_one_signs_in_by_username_or_address_whatever_the_case(alice: User, login: str) -> None:
    session = actions.sign_in(username=login, password=PASSWORD)

    assert session.user == alice
    assert queries.active_session(session.pk) == session
    alice.refresh_from_db()
    assert alice.last_login is not None


def test_a_session_remembers_its_device(alice: User) -> None:
    session = actions.sign_in(
        username="alice",
        password=PASSWORD,
        user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0",
        address="2001:db8::1",
    )

    assert (session.device, session.address) == ("Firefox on Linux", "2001:db8::1")
    event = AuditEvent.objects.get()
    assert (event.kind, event.user_id, event.address) == ("signed_in", alice.pk, "2001:db8::1")
    assert event.detail == {"session": str(session.pk), "device": "Firefox on Linux"}
    assert session.expires_at - session.created_at == timedelta(days=30)


def test_a_device_may_bring_its_own_name(alice: User) -> None:
    session = actions.open_session(user=alice, device=" Kitchen tablet ")

    assert session.device == "Kitchen tablet"


def test_unknown_wrong_and_suspended_are_told_the_same(alice: User, bob: User) -> None:
    actions.suspend_user(user=bob)

    told = set()
    for login, password in (("nobody", PASSWORD), ("alice", "wrong"), ("bob", PASSWORD)):
        with pytest.raises(WrongCredentials) as refused:
            actions.sign_in(username=login, password=password)
        told.add(refused.value.detail)
    assert len(told) == 1


@pytest.mark.parametrize("login", ["nobody", "alice", "bob", "carol"])
def test_unknown_wrong_suspended_and_without_password_cost_the_same(
    alice: User,
    bob: User,
    login: str,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    actions.suspend_user(user=bob)
    User.objects.create_user("carol", "carol@example.org")
    hashed = []

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            hashed.append(real.__name__)
            return real(*args)

        return call

    for name in ("encode", "verify"):
        real = getattr(Argon2PasswordHasher, name)
        monkeypatch.setattr(Argon2PasswordHasher, name, counted(real))

    # One to look the name up, five for the line in the audit trail.
    with django_assert_num_queries(6), pytest.raises(WrongCredentials):
        actions.sign_in(username=login, password="wrong all the same")
    assert len(hashed) == 1


def test_an_old_hash_is_renewed_when_its_owner_signs_in(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Argon2Hasher, "memory_cost", 16)
    alice.password = make_password(PASSWORD)
    alice.save()
    monkeypatch.undo()

    actions.sign_in(username="alice", password=PASSWORD)

    before = alice.password
    alice.refresh_from_db()
    assert alice.password != before
    assert alice.check_password(PASSWORD)
    assert "$m=8,t=1,p=1$" in alice.password


def test_a_password_that_changes_while_it_is_checked_opens_nothing(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Argon2Hasher.verify

    def slow(self: Argon2Hasher, password: str, encoded: str) -> bool:
        User.objects.filter(pk=alice.pk).update(password=make_password("another one"))
        return real(self, password, encoded)

    monkeypatch.setattr(Argon2Hasher, "verify", slow)

    with pytest.raises(WrongCredentials):
        actions.sign_in(username="alice", password=PASSWORD)
    assert not Session.objects.exists()


def test_sessions_that_ended_long_ago_are_forgotten_at_the_next_sign_in(
    alice: User, laptop: Session, phone: Session
) -> None:
    past = timezone.now() - FORGET_AFTER
    Session.objects.filter(pk=phone.pk).update(
        created_at=past - timedelta(days=30), expires_at=past - timedelta(days=1)
    )

    fresh = actions.open_session(user=alice)

    assert set(Session.objects.filter(user=alice)) == {laptop, fresh}


def test_signing_out_ends_the_session_and_closes_its_sockets(
    laptop: Session,
    phone: Session,
    published: Published,
    committed: DjangoCaptureOnCommitCallbacks,
) -> None:
    with committed(execute=True):
        actions.sign_out(session=laptop)
    with committed(execute=True):
        actions.sign_out(session=laptop)

    laptop.refresh_from_db()
    assert laptop.revoked_reason == RevokedReason.SIGNED_OUT
    assert queries.active_session(phone.pk) == phone
    assert published == [("sessions", {"kind": "revoked", "session": str(laptop.pk)})]


def test_signing_out_everywhere_may_keep_one_device(
    alice: User,
    bob: User,
    laptop: Session,
    phone: Session,
    published: Published,
    committed: DjangoCaptureOnCommitCallbacks,
) -> None:
    other = actions.open_session(user=bob)

    with committed(execute=True):
        assert actions.sign_out_everywhere(user=alice, except_session=phone) == 1
    assert [each["session"] for _, each in published] == [str(laptop.pk)]
    assert list(queries.sessions_of(alice)) == [phone]

    assert actions.sign_out_everywhere(user=alice) == 1
    assert list(queries.sessions_of(alice)) == []
    assert list(queries.sessions_of(bob)) == [other]


def test_one_revokes_ones_own_sessions_only_and_once(
    alice: User, bob: User, laptop: Session
) -> None:
    with pytest.raises(NoSuchSession):
        actions.revoke_session(user=bob, session_id=laptop.pk)
    actions.revoke_session(user=alice, session_id=laptop.pk)
    with pytest.raises(NoSuchSession):
        actions.revoke_session(user=alice, session_id=laptop.pk)

    laptop.refresh_from_db()
    assert laptop.revoked_reason == RevokedReason.SIGNED_OUT_ELSEWHERE


def test_suspension_ends_every_session_and_reactivation_revives_none(
    alice: User,
    laptop: Session,
    phone: Session,
    published: Published,
    committed: DjangoCaptureOnCommitCallbacks,
) -> None:
    with committed(execute=True):
        actions.suspend_user(user=alice)
    assert {each["session"] for _, each in published} == {str(laptop.pk), str(phone.pk)}
    assert not alice.is_active

    actions.reactivate_user(user=alice)

    assert list(queries.sessions_of(alice)) == []
    assert actions.sign_in(username="alice", password=PASSWORD).user == alice


def test_a_device_is_touched_once_a_minute_at_most(
    laptop: Session, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        actions.touch_session(session=laptop)
    past = timezone.now() - TOUCH_EVERY * 2
    Session.objects.filter(pk=laptop.pk).update(last_used_at=past)
    laptop.refresh_from_db()

    with django_assert_num_queries(1):
        actions.touch_session(session=laptop)
        actions.touch_session(session=laptop)

    laptop.refresh_from_db()
    assert laptop.last_used_at > past
