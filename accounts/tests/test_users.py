import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from accounts import actions, queries
from accounts.errors import WrongCredentials
from accounts.models import RevokedReason, Session, User
from accounts.passwordrules import PASSWORD_MAX
from accounts.tests.conftest import PASSWORD
from pneumatic.lib.errors import Conflict, Invalid


def _refused(username: str = "carol", email: str = "carol@example.org", **rest: str) -> set[str]:
    with pytest.raises(Invalid) as refused:
        actions.register_user(username=username, email=email, **{"password": PASSWORD, **rest})
    return set(refused.value.fields)


def test_whoever_registers_can_sign_in(db: None) -> None:
    user = actions.register_user(
        username="Carol", email="carol@EXAMPLE.org", password=PASSWORD, display_name=" Carol W "
    )

    assert (user.username, user.email, user.display_name) == (
        "Carol",
        "carol@example.org",
        "Carol W",
    )
    assert not user.is_staff
    assert actions.sign_in(username="carol", password=PASSWORD).user == user


def test_every_field_at_fault_is_named_at_once(alice: User) -> None:
    assert _refused("ALICE", "Alice@Example.org") == {"username", "email"}
    assert _refused("a b", "nowhere", password="short", display_name="\u202e") == {
        "username",
        "email",
        "password",
        "display_name",
    }
    assert _refused("car\0ol") == {"username"}
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "passwordpassword1" * 20,
        "carol@example.org",
        "q1w2e3r4t5y6",
        "with\0nul and more",
        "with\nnewline and more",
    ],
)
def test_a_password_that_is_weak_or_not_typable_is_refused(db: None, password: str) -> None:
    assert _refused(password=password) == {"password"}


def test_a_password_of_any_other_characters_is_taken_as_it_is(db: None) -> None:
    password = " ключ 🔑 spaces at both ends "
    actions.register_user(username="carol", email="carol@example.org", password=password)

    actions.sign_in(username="carol", password=password)
    with pytest.raises(WrongCredentials):
        actions.sign_in(username="carol", password=password.strip())


@pytest.mark.django_db(transaction=True)
def test_of_two_that_register_one_name_at_once_one_is_told_that_it_is_taken() -> None:
    barrier = threading.Barrier(4)

    def one(number: int) -> str:
        try:
            barrier.wait(10)
            actions.register_user(
                username="Carol" if number % 2 else "carol",
                email=f"carol{number}@example.org",
                password=PASSWORD,
            )
        except Invalid as error:
            return ",".join(error.fields)
        else:
            return "welcome"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(4))) == ["username"] * 3 + ["welcome"]


def test_a_profile_shows_the_new_name_or_the_username(alice: User) -> None:
    assert actions.update_profile(user=alice, display_name=" A. Lind ").display_name == "A. Lind"
    assert actions.update_profile(user=alice, display_name="").display_name == "alice"
    with pytest.raises(Invalid) as refused:
        actions.update_profile(user=alice, display_name="\u202eevil")
    assert set(refused.value.fields) == {"display_name"}
    alice.refresh_from_db()
    assert alice.display_name == "alice"


def test_a_new_password_ends_all_sessions_but_the_one_that_changed_it(
    alice: User, laptop: Session, phone: Session
) -> None:
    actions.change_password(user=alice, old=PASSWORD, new="nine blue candles", keep=laptop)

    assert list(queries.sessions_of(alice)) == [laptop]
    phone.refresh_from_db()
    assert phone.revoked_reason == RevokedReason.PASSWORD_CHANGED
    actions.sign_in(username="alice", password="nine blue candles")
    with pytest.raises(WrongCredentials):
        actions.sign_in(username="alice", password=PASSWORD)


def test_a_password_is_not_changed_without_the_old_one_nor_to_a_weak_one(
    alice: User, laptop: Session
) -> None:
    for old, new, field in (
        ("wrong", "nine blue candles", "old_password"),
        (PASSWORD, "alice", "new_password"),
        (PASSWORD, "x" * (PASSWORD_MAX + 1), "new_password"),
    ):
        with pytest.raises(Invalid) as refused:
            actions.change_password(user=alice, old=old, new=new, keep=laptop)
        assert set(refused.value.fields) == {field}
    actions.sign_in(username="alice", password=PASSWORD)


def test_of_two_changes_of_a_password_the_later_one_is_told(alice: User, laptop: Session) -> None:
    stale = User.objects.get(pk=alice.pk)
    actions.change_password(user=alice, old=PASSWORD, new="nine blue candles", keep=laptop)

    with pytest.raises(Conflict):
        actions.change_password(user=stale, old=PASSWORD, new="ten red doors", keep=laptop)


def test_the_staff_may_set_a_password_and_every_session_ends(alice: User, laptop: Session) -> None:
    actions.set_password(user=alice, new="nine blue candles")

    assert list(queries.sessions_of(alice)) == []
    actions.sign_in(username="alice", password="nine blue candles")
