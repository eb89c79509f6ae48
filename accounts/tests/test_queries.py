from datetime import timedelta
from unittest.mock import ANY

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import actions, queries
from accounts.models import Session, User
from accounts.presenters import present_user


def _found(query: str, asking: User, limit: int = 20) -> list[str]:
    return [user.username for user in queries.search_people(query, asking=asking, limit=limit)]


@pytest.mark.parametrize("query", ["b", "BO", "@bob", " @Bob ", "Bob L", "bob lee"])
def test_people_are_found_by_the_beginning_of_username_or_display_name(
    query: str, alice: User, bob: User
) -> None:
    assert _found(query, alice) == ["Bob"]


@pytest.mark.parametrize("query", ["", "@", "  ", "ob", "lee", "b%", "_ob", "x" * 65, "b\0"])
def test_nothing_else_finds_anyone(query: str, alice: User, bob: User) -> None:
    assert _found(query, alice) == []


def test_nobody_is_found_by_e_mail_address(alice: User, bob: User) -> None:
    bob.email, bob.display_name = "zoe@example.org", "Bob"
    bob.save()

    assert _found("zoe", alice) == []
    assert _found("zoe@example.org", alice) == []


def test_an_accented_name_is_found_as_it_is_written(alice: User, bob: User) -> None:
    actions.update_profile(user=bob, display_name="Élodie")

    assert _found("Élo", alice) == ["Bob"]


def test_oneself_and_the_suspended_are_not_found(alice: User, bob: User) -> None:
    assert _found("alice", alice) == []
    actions.suspend_user(user=bob)
    assert _found("bob", alice) == []


def test_the_exact_username_comes_first_and_the_number_is_limited(alice: User, bob: User) -> None:
    for name in ("bobby", "bo.a", "bob.a"):
        User.objects.create_user(name, f"{name}@example.org")

    assert _found("bob", alice) == ["Bob", "bob.a", "bobby"]
    assert _found("bo", alice, limit=2) == ["bo.a", "Bob"]
    assert len(_found("bo", alice, limit=-5)) == 1


def test_a_search_is_one_query(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        queries.search_people("b", asking=alice)


@pytest.mark.needs_postgres
def test_among_many_people_a_search_steps_through_indexes(alice: User) -> None:
    User.objects.bulk_create(
        User(username=f"{n:04x}", email=f"{n}@example.org", display_name=f"{n:04x}"[::-1])
        for n in range(5_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_user")
    with CaptureQueriesContext(connection) as asked:
        assert _found("12A", alice, limit=50) == sorted(
            name for n in range(5_000) if "12a" in {(name := f"{n:04x}")[:3], name[:0:-1]}
        )
    (query,) = asked.captured_queries
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + query["sql"].replace("%", "%%"), ())
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "user_username_begins" in plan
    assert "user_display_name_begins" in plan
    assert "Seq Scan" not in plan


def test_an_active_session_comes_with_its_user_in_one_query(
    laptop: Session, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        found = queries.active_session(laptop.pk)
        assert found is not None
        assert found.user.username == "alice"


def test_of_one_session_it_is_said_whether_it_is_active_as_of_many(
    laptop: Session, phone: Session, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    actions.sign_out(session=phone)
    for asked, found in (([laptop.pk], {laptop.pk}), ([phone.pk], set()), ([], set())):
        assert queries.active_sessions_among(asked).keys() == found
    assert queries.active_sessions_among([laptop.pk, phone.pk]).keys() == {laptop.pk}
    with django_assert_num_queries(1):
        (alone,) = queries.active_sessions_among([laptop.pk, laptop.pk]).values()
        assert (alone, alone.user.username) == (laptop, "alice")


def test_a_session_that_ended_is_not_active_nor_among_the_devices(
    alice: User, laptop: Session, phone: Session
) -> None:
    actions.sign_out(session=laptop)
    Session.objects.filter(pk=phone.pk).update(
        created_at=timezone.now() - timedelta(days=31), expires_at=timezone.now()
    )

    assert queries.active_session(laptop.pk) is None
    assert queries.active_session(phone.pk) is None
    assert list(queries.sessions_of(alice)) == []


def test_devices_come_with_the_one_used_last_first(
    alice: User, laptop: Session, phone: Session
) -> None:
    Session.objects.filter(pk=phone.pk).update(last_used_at=timezone.now() - timedelta(hours=1))

    assert list(queries.sessions_of(alice)) == [laptop, phone]


def test_others_see_four_things_of_a_person_and_no_address(alice: User) -> None:
    assert present_user(alice) == {
        "id": ANY,
        "username": "alice",
        "display_name": "Alice Lind",
        "avatar": None,
    }


def test_who_asks_is_found_whole_in_one_query_that_is_put_into_sql_once(alice: User) -> None:
    session = actions.open_session(user=alice, address="2001:db8::1")
    queries.active_session(session.pk)
    by_django = Session.objects.select_related("user").get(pk=session.pk)

    with CaptureQueriesContext(connection) as captured:
        found = queries.active_session(session.pk)
        assert found is not None
        assert found.user.username == "alice"
    assert len(captured) == 1
    for ours, theirs in ((found, by_django), (found.user, by_django.user)):
        names = [each.attname for each in theirs._meta.concrete_fields]
        assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]
        assert not ours._state.adding
        assert ours._state.db == "default"
        assert ours.get_deferred_fields() == set()


def test_a_session_is_active_until_the_moment_it_ends(alice: User) -> None:
    session = actions.open_session(user=alice)
    with time_machine.travel(session.expires_at - timedelta(seconds=1), tick=False):
        assert queries.active_session(session.pk) == session
    with time_machine.travel(session.expires_at, tick=False):
        assert queries.active_session(session.pk) is None


def test_what_the_settings_ask_of_a_person_counts_at_once(alice: User, settings: Settings) -> None:
    session = actions.open_session(user=alice)
    for required, expected in (("nobody", session), ("everyone", None), ("staff", session)):
        settings.REQUIRE_SECOND_FACTOR = required
        assert queries.active_session(session.pk) == expected
