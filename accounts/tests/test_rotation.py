"""One refresh token, several hands: tabs, lost answers, thieves."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from accounts import actions, queries, tokens
from accounts.authentication import authenticate_token
from accounts.errors import InvalidToken, SessionRevoked, TokenExpired
from accounts.models import AuditEvent, RevokedReason, Session, User
from pneumatic.testing.factories import make_user

Published = list[tuple[str, dict[str, Any]]]


def _refresh(refresh: str) -> str:
    """The next refresh token."""
    return tokens.issue(actions.refresh_session(refresh=refresh)).refresh


def test_a_refresh_gives_the_next_token_of_the_same_session(laptop: Session) -> None:
    first = tokens.issue(laptop).refresh

    session = actions.refresh_session(refresh=first, address="198.51.100.7")

    assert session == laptop
    assert tokens.issue(session).refresh != first
    assert session.expires_at == laptop.expires_at
    stored = Session.objects.get(pk=laptop.pk)
    assert stored.address == "198.51.100.7"
    assert stored.last_used_at > laptop.last_used_at
    assert tokens.issue(stored).refresh == tokens.issue(session).refresh


def test_a_second_tab_with_the_same_token_gets_the_same_successor(laptop: Session) -> None:
    first = tokens.issue(laptop).refresh

    assert _refresh(first) == _refresh(first)
    assert queries.active_session(laptop.pk) is not None


def test_an_answer_that_got_lost_is_given_again_however_late(laptop: Session) -> None:
    first = tokens.issue(laptop).refresh
    second = _refresh(first)

    with time_machine.travel(timezone.now() + timedelta(days=3), tick=False):
        assert _refresh(first) == second


def test_the_successor_works_after_two_tabs_got_it(laptop: Session) -> None:
    first = tokens.issue(laptop).refresh
    second = _refresh(first)
    _refresh(first)

    third = _refresh(second)

    assert len({first, second, third}) == 3


def test_a_token_that_comes_back_after_its_successor_was_used_ends_the_session(
    alice: User,
    laptop: Session,
    phone: Session,
    published: Published,
    committed: DjangoCaptureOnCommitCallbacks,
) -> None:
    first = tokens.issue(laptop).refresh
    second = _refresh(_refresh(first))

    with committed(execute=True), pytest.raises(SessionRevoked):
        _refresh(first)

    laptop.refresh_from_db()
    assert laptop.revoked_reason == RevokedReason.TOKEN_REUSED
    assert published == [("sessions", {"kind": "revoked", "session": str(laptop.pk)})]
    with pytest.raises(SessionRevoked):
        _refresh(second)
    assert list(queries.sessions_of(alice)) == [phone]


def test_the_old_token_dies_at_once_when_its_successor_is_used(laptop: Session) -> None:
    first = tokens.issue(laptop).refresh
    _refresh(_refresh(first))

    with pytest.raises(SessionRevoked):
        _refresh(first)

    laptop.refresh_from_db()
    assert laptop.revoked_reason == RevokedReason.TOKEN_REUSED


def test_the_old_token_dies_at_once_when_the_access_token_of_the_new_pair_is_used(
    laptop: Session,
) -> None:
    first = tokens.issue(laptop)
    second = tokens.issue(actions.refresh_session(refresh=first.refresh))
    authenticate_token(first.access)
    assert _refresh(first.refresh) == second.refresh, "the old access token tells nothing"

    authenticate_token(second.access)

    with pytest.raises(SessionRevoked):
        _refresh(first.refresh)
    laptop.refresh_from_db()
    assert laptop.revoked_reason == RevokedReason.TOKEN_REUSED


def test_the_access_token_of_either_tab_counts_as_the_new_pair(laptop: Session) -> None:
    first = tokens.issue(laptop).refresh
    actions.refresh_session(refresh=first)
    other_tab = tokens.issue(actions.refresh_session(refresh=first))

    authenticate_token(other_tab.access)

    assert _refresh(other_tab.refresh) != other_tab.refresh
    with pytest.raises(SessionRevoked):
        _refresh(first)


def test_only_the_first_use_of_a_pair_costs_a_write(
    laptop: Session, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        authenticate_token(tokens.issue(laptop).access)
    pair = tokens.issue(actions.refresh_session(refresh=tokens.issue(laptop).refresh))

    with django_assert_num_queries(2):
        authenticate_token(pair.access)
    with django_assert_num_queries(1):
        authenticate_token(pair.access)


def test_security_2_a_stolen_token_ends_the_session_is_audited_and_its_owner_is_told(
    alice: User, laptop: Session, phone: Session, on: Callable[[Session], APIClient]
) -> None:
    """The owner refreshed and went on; then the thief comes with the token from before."""
    stolen = tokens.issue(laptop).refresh
    owners = tokens.issue(actions.refresh_session(refresh=stolen))
    authenticate_token(owners.access)
    thief = APIClient()

    refused = thief.post(
        "/api/v1/auth/token/refresh/",
        {"refresh": stolen},
        format="json",
        headers={"user-agent": "thief"},
        REMOTE_ADDR="203.0.113.66",
    )

    assert refused.status_code == 401
    event = AuditEvent.objects.get(kind="token_reused")
    assert (event.kind, event.user_id, event.address) == ("token_reused", alice.pk, "203.0.113.66")
    assert event.detail == {"session": str(laptop.pk), "device": "Laptop"}
    with pytest.raises(SessionRevoked, match="used twice"):
        authenticate_token(owners.access)
    with pytest.raises(SessionRevoked, match="used twice"):
        _refresh(owners.refresh)
    told = on(phone).get("/api/v1/auth/sessions/?ended=true").json()["results"]
    assert [(each["device"], each["ended_reason"]) for each in told] == [("Laptop", "token_reused")]
    assert told[0]["ended_at"] is not None
    thefts = AuditEvent.objects.filter(kind="token_reused").count()
    assert thefts == 1, "one theft, however often it is tried"


def test_a_session_ends_after_its_lifetime_however_often_it_was_refreshed(laptop: Session) -> None:
    refresh = tokens.issue(laptop).refresh
    with time_machine.travel(laptop.expires_at.timestamp() - 60, tick=False):
        refresh = _refresh(refresh)

    with (
        time_machine.travel(laptop.expires_at.timestamp() + 1, tick=False),
        pytest.raises(TokenExpired),
    ):
        _refresh(refresh)


def test_a_session_that_was_signed_out_is_not_refreshed(laptop: Session) -> None:
    refresh = tokens.issue(laptop).refresh
    actions.sign_out(session=laptop)

    with pytest.raises(SessionRevoked):
        _refresh(refresh)
    laptop.refresh_from_db()
    assert laptop.revoked_reason == RevokedReason.SIGNED_OUT


@pytest.mark.parametrize(
    "end",
    [
        lambda user, session: actions.revoke_session(user=user, session_id=session.pk),
        lambda user, session: actions.sign_out_everywhere(user=user),
        lambda user, session: actions.set_password(user=user, new="nine blue candles"),
        lambda user, session: actions.suspend_user(user=user),
        lambda user, session: actions.revoke_sessions(
            sessions=Session.objects.filter(pk=session.pk), actor=user
        ),
        lambda user, session: actions.powers_changed(
            user=user, powers=["is_staff"], actor=make_user("boss")
        ),
    ],
    ids=["another device", "everywhere", "password", "suspension", "staff", "powers"],
)
def test_no_end_of_a_session_leaves_a_refresh_token_that_works(
    alice: User, laptop: Session, end: Callable[[User, Session], object]
) -> None:
    refresh = tokens.issue(laptop).refresh
    end(alice, laptop)

    with pytest.raises(SessionRevoked):
        _refresh(refresh)


def test_a_suspended_user_does_not_refresh_and_is_not_accused_of_theft(
    alice: User, laptop: Session
) -> None:
    refresh = tokens.issue(laptop).refresh
    User.objects.filter(pk=alice.pk).update(is_active=False)

    with pytest.raises(SessionRevoked):
        _refresh(refresh)
    laptop.refresh_from_db()
    assert laptop.revoked_reason == ""


def test_a_deleted_user_does_not_refresh(alice: User, laptop: Session) -> None:
    refresh = tokens.issue(laptop).refresh
    alice.delete()

    with pytest.raises(SessionRevoked):
        _refresh(refresh)


def test_rubbish_ends_no_session(laptop: Session) -> None:
    with pytest.raises(InvalidToken):
        _refresh("rubbish")
    with pytest.raises(InvalidToken):
        _refresh(tokens.issue(laptop).access)

    assert queries.active_session(laptop.pk) is not None


def _all_at_once(refresh: str, times: int) -> list[str]:
    """What ``times`` threads get that present the same token together."""
    barrier = threading.Barrier(times)

    def one() -> str:
        try:
            barrier.wait(10)
            return _refresh(refresh)
        except SessionRevoked:
            return "revoked"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return [future.result(30) for future in [pool.submit(one) for _ in range(times)]]


@pytest.mark.django_db(transaction=True)
def test_security_3_twenty_tabs_at_once_all_get_one_successor(laptop: Session) -> None:
    refresh = tokens.issue(laptop).refresh

    for _ in range(5):
        successors = set(_all_at_once(refresh, 20))
        assert len(successors) == 1
        assert refresh not in successors
        refresh = successors.pop()

    stored = Session.objects.get(pk=laptop.pk)
    assert stored.revoked_at is None
    assert tokens.issue(stored).refresh == refresh


@pytest.mark.django_db(transaction=True)
def test_a_dead_token_at_many_doors_at_once_opens_none(laptop: Session) -> None:
    dead = tokens.issue(laptop).refresh
    _refresh(_refresh(dead))

    assert _all_at_once(dead, 8) == ["revoked"] * 8
    assert Session.objects.get(pk=laptop.pk).revoked_reason == RevokedReason.TOKEN_REUSED
    assert AuditEvent.objects.filter(kind="token_reused").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_sign_out_that_races_a_refresh_always_wins(laptop: Session, alice: User) -> None:
    for _ in range(5):
        session = actions.open_session(user=alice)
        refresh = tokens.issue(session).refresh
        barrier = threading.Barrier(2)

        def leave(session: Session = session, barrier: threading.Barrier = barrier) -> None:
            try:
                barrier.wait(10)
                actions.sign_out(session=session)
            finally:
                connections.close_all()

        def stay(refresh: str = refresh, barrier: threading.Barrier = barrier) -> None:
            try:
                barrier.wait(10)
                _refresh(refresh)
            except SessionRevoked:
                pass
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            for future in (pool.submit(leave), pool.submit(stay)):
                future.result(30)
        assert queries.active_session(session.pk) is None
