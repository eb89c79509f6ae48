"""Everything that ends or renews sessions, at once: no deadlock, and nothing half done."""

import contextlib
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from accounts import actions, chain, queries, tokens
from accounts.authentication import authenticate_token
from accounts.models import AuditEvent, Session, User
from pneumatic.lib.errors import Conflict, NotFound, Unauthenticated

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 6


def _together(*acts: Callable[[], object]) -> None:
    """Each in a thread of its own, again and again; what is refused politely is refused."""
    barrier = threading.Barrier(len(acts))

    def repeat(act: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            for _ in range(ROUNDS):
                with contextlib.suppress(Unauthenticated, NotFound, Conflict):
                    act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        for future in [pool.submit(repeat, act) for act in acts]:
            future.result(50)


def test_sessions_end_in_every_way_at_once_without_a_deadlock(alice: User, bob: User) -> None:
    for user in (alice, bob):
        for _ in range(3):
            actions.open_session(user=user)

    def fresh(user: User) -> User:
        return User.objects.get(pk=user.pk)

    def renew(user: User) -> None:
        session = actions.open_session(user=fresh(user))
        pair = tokens.issue(session)
        after = tokens.issue(actions.refresh_session(refresh=pair.refresh))
        authenticate_token(after.access)
        actions.refresh_session(refresh=pair.refresh)

    def revoke(user: User) -> None:
        for session in list(queries.sessions_of(user)):
            actions.revoke_session(user=user, session_id=session.pk)

    def suspend(user: User) -> None:
        actions.suspend_user(user=fresh(user), actor=alice)
        actions.reactivate_user(user=fresh(user), actor=alice)

    _together(
        lambda: renew(alice),
        lambda: renew(bob),
        lambda: revoke(alice),
        lambda: actions.sign_out_everywhere(user=fresh(alice)),
        lambda: actions.sign_out_everywhere(user=fresh(bob)),
        lambda: suspend(bob),
        lambda: actions.powers_changed(user=fresh(bob), powers=["groups"], actor=alice),
        lambda: actions.revoke_sessions(sessions=Session.objects.all(), actor=alice),
    )

    assert list(chain.problems()) == []
    ended = AuditEvent.objects.filter(kind="signed_out_everywhere").count()
    assert ended == 3 * ROUNDS
    assert AuditEvent.objects.filter(kind="suspended").count() == ROUNDS


def test_the_first_uses_of_a_new_pair_race_the_old_token_and_the_session_is_never_half_dead(
    alice: User,
) -> None:
    """Either the old token came first, and gave the same pair; or it came too late, and all end."""
    seeded = random.Random(7)
    for _ in range(5):
        session = actions.open_session(user=alice)
        old = tokens.issue(session).refresh
        new = tokens.issue(actions.refresh_session(refresh=old))
        said: list[str] = []

        def come_back(old: str = old, new: tokens.Pair = new, said: list[str] = said) -> None:
            try:
                same = tokens.issue(actions.refresh_session(refresh=old)).refresh == new.refresh
                said.append("same" if same else "other")
            except Unauthenticated:
                said.append("dead")

        def use(new: tokens.Pair = new) -> None:
            authenticate_token(new.access)

        acts: list[Callable[[], object]] = [come_back, use, use, come_back]
        seeded.shuffle(acts)
        _together(*acts)

        stored = Session.objects.get(pk=session.pk)
        assert "other" not in said
        assert stored.previous_jti == "" or stored.revoked_at is not None
        assert (stored.revoked_at is not None) == ("dead" in said)
        thefts = AuditEvent.objects.filter(kind="token_reused", user_id=alice.pk)
        assert thefts.filter(detail__session=str(session.pk)).count() == ("dead" in said)
