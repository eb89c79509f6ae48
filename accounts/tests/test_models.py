from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import queries
from accounts.models import RevokedReason, Session, User
from accounts.tests.conftest import PASSWORD


@pytest.mark.parametrize("username", ["ALICE", "Alice", "alice"])
def test_the_database_refuses_a_username_that_differs_in_case_only(
    alice: User, username: str
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User(username=username, email="other@example.org", display_name="x").save()


def test_the_database_refuses_an_address_that_differs_in_case_only(alice: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User(username="other", email="ALICE@Example.org", display_name="x").save()


def test_names_and_addresses_find_their_owner_whatever_the_case(alice: User, bob: User) -> None:
    assert User.objects.get_by_natural_key("ALICE") == alice
    assert User.objects.get_by_natural_key("bob") == bob
    assert queries.user_by_login(" Alice@EXAMPLE.org ") == alice
    assert queries.user_by_login("BOB") == bob
    assert queries.user_by_login("nobody") is None
    assert queries.user_by_login("ali\0ce") is None


def test_a_user_without_display_name_is_shown_by_username(db: None) -> None:
    user = User.objects.create_user("carol", "carol@EXAMPLE.org", PASSWORD)

    assert (user.display_name, user.get_full_name(), str(user)) == ("carol", "carol", "carol")
    assert user.email == "carol@example.org"
    assert user.pk.version == 7


def test_a_malformed_user_is_not_made(db: None) -> None:
    with pytest.raises(ValidationError) as refused:
        User.objects.create_user("no spaces", "not an address", PASSWORD)

    assert set(refused.value.message_dict) == {"username", "email"}


def test_createsuperuser_makes_someone_who_may_do_everything(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    call_command(
        "createsuperuser", interactive=False, username="root", email="root@example.org", verbosity=0
    )

    root = User.objects.get_by_natural_key("root")
    assert root.is_staff
    assert root.is_superuser
    assert root.check_password(PASSWORD)


def _broken(session: Session, **values: object) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Session.objects.filter(pk=session.pk).update(**values)


def test_the_database_wants_a_reason_for_each_revocation_and_none_without(laptop: Session) -> None:
    _broken(laptop, revoked_at=timezone.now(), revoked_reason="")
    _broken(laptop, revoked_at=timezone.now(), revoked_reason="bored")
    _broken(laptop, revoked_at=None, revoked_reason=RevokedReason.SIGNED_OUT)


def test_the_database_refuses_a_session_that_ends_before_it_starts(laptop: Session) -> None:
    _broken(laptop, expires_at=laptop.created_at - timedelta(seconds=1))


def test_the_database_refuses_a_session_without_a_token_of_its_own(laptop: Session) -> None:
    _broken(laptop, refresh_jti="")
    _broken(laptop, previous_jti=laptop.refresh_jti)


def test_a_deleted_user_takes_their_sessions_along(alice: User, laptop: Session) -> None:
    alice.delete()

    assert not Session.objects.filter(pk=laptop.pk).exists()
