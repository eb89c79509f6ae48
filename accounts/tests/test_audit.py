"""Security list 31: the audit trail is append-only and hash-chained."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from structlog.testing import capture_logs

from accounts import chain
from accounts.actions.audit import VALUE_MAX, record
from accounts.chain import Anchor
from accounts.models import AuditEvent, AuditHead, AuditKind, User


def _write(count: int, user: User | None = None) -> list[AuditEvent]:
    return [
        record(kind=AuditKind.SIGNED_IN, user=user, address="192.0.2.1", detail={"n": str(n)})
        for n in range(count)
    ]


def _sql(statement: str, *values: int | str) -> None:
    """As somebody with a database shell."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_an_event_says_what_happened_to_whom_by_whom_and_from_where(alice: User, bob: User) -> None:
    record(
        kind=AuditKind.SUSPENDED,
        user=alice,
        actor=bob,
        address="::ffff:192.0.2.7",
        detail={"reason": "spam"},
    )

    event = AuditEvent.objects.get()
    assert (event.number, event.kind, event.address) == (1, "suspended", "192.0.2.7")
    assert (event.user_id, event.actor_id, event.detail) == (alice.pk, bob.pk, {"reason": "spam"})
    assert timezone.now() - event.at < timedelta(minutes=1)


def test_each_event_carries_the_digest_of_the_one_before(db: None) -> None:
    first, second, third = _write(3)

    assert [first.number, second.number, third.number] == [1, 2, 3]
    assert (first.previous, second.previous) == ("0" * 64, first.digest)
    assert third.previous == second.digest
    assert list(chain.problems()) == []


def test_what_happened_stays_when_the_person_is_gone(alice: User) -> None:
    record(kind=AuditKind.SUSPENDED, user=alice, address=None)
    alice.delete()

    assert AuditEvent.objects.get().user_id is not None
    assert list(chain.problems()) == []


def test_an_event_whose_transaction_fails_leaves_no_hole(db: None) -> None:
    _write(1)
    with transaction.atomic():
        _write(1)
        transaction.set_rollback(True)
    _write(1)

    assert [event.number for event in AuditEvent.objects.order_by("number")] == [1, 2]
    assert list(chain.problems()) == []


def test_the_program_can_not_change_or_remove_events(db: None) -> None:
    event = _write(1)[0]
    event.kind = AuditKind.SIGNED_OUT

    with pytest.raises(TypeError):
        event.save()
    with pytest.raises(TypeError):
        event.delete()
    with pytest.raises(TypeError):
        AuditEvent.objects.all().delete()
    with pytest.raises(TypeError):
        AuditEvent.objects.update(kind="")
    with pytest.raises(TypeError):
        AuditEvent.objects.bulk_update([event], ["kind"])


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE accounts_auditevent SET kind = 'registered' WHERE number = 2",
            "Event 2 was chang",
        ),
        ("UPDATE accounts_auditevent SET address = '' WHERE number = 2", "Event 2 was changed."),
        ("UPDATE accounts_auditevent SET detail = '{}' WHERE number = 2", "Event 2 was changed."),
        ("UPDATE accounts_auditevent SET user_id = NULL WHERE number = 2", "Event 2 was changed."),
        (
            "UPDATE accounts_auditevent SET at = '2020-01-01 00:00+00' WHERE number = 2",
            "Event 2 was",
        ),
        ("DELETE FROM accounts_auditevent WHERE number = 1", "Event 1 is missing."),
        ("DELETE FROM accounts_auditevent WHERE number IN (2, 3)", "Events 2 to 3 are missing."),
        (
            "DELETE FROM accounts_auditevent WHERE number >= 4",
            "Events 4 to 5 are missing, at the en",
        ),
        ("DELETE FROM accounts_auditevent", "Events 1 to 5 are missing, at the end."),
        ("DELETE FROM accounts_audithead", "There are events beyond the end"),
        ("UPDATE accounts_audithead SET number = 4", "There are events beyond the end"),
    ],
)
def test_what_was_changed_or_removed_is_found(alice: User, statement: str, said: str) -> None:
    _write(5, alice)
    _sql(statement)

    found = list(chain.problems())

    assert any(problem.startswith(said) for problem in found), found


def test_reordered_events_are_found(db: None) -> None:
    _write(4)
    for old, new in ((2, 100), (3, 2), (100, 3)):
        _sql("UPDATE accounts_auditevent SET number = %s WHERE number = %s", new, old)

    found = list(chain.problems())

    assert "Event 2 was changed." in found
    assert "Event 3 was changed." in found


def test_an_event_that_was_changed_with_its_digest_is_found_at_the_next(db: None) -> None:
    _write(3)
    event = AuditEvent.objects.get(number=2)
    event.kind = "registered"
    _sql(
        "UPDATE accounts_auditevent SET kind = 'registered', digest = %s WHERE number = 2",
        event.expected_digest(),
    )

    assert list(chain.problems()) == ["Event 3 doesn't follow the one before it."]


def test_a_chain_that_was_rewritten_as_a_whole_is_found_by_what_was_noted(db: None) -> None:
    _write(3)
    noted = chain.head()
    _sql("DELETE FROM accounts_auditevent")
    _sql("DELETE FROM accounts_audithead")
    _write(4)

    assert list(chain.problems()) == []
    assert list(chain.problems(since=noted)) == ["Event 3 is not the one that was noted."]
    assert list(chain.problems(since=Anchor(9, "0" * 64))) == [
        "Event 9 is not the one that was noted."
    ]


def test_a_lost_end_of_the_chain_stops_nobody(db: None) -> None:
    _write(2)
    _sql("DELETE FROM accounts_audithead")
    _write(1)

    assert AuditHead.objects.get().number == 3
    assert list(chain.problems()) == []


def test_the_command_prints_the_end_to_be_given_the_next_time(db: None) -> None:
    _write(2)
    said = StringIO()
    call_command("verify_audit", stdout=said)
    end = said.getvalue().splitlines()[1]
    _write(1)

    call_command("verify_audit", since=None, stdout=said)
    call_command("verify_audit", f"--since={end}", stdout=said)

    assert said.getvalue().splitlines()[0] == "The audit trail is sound: 2 entries."
    with pytest.raises(CommandError, match="NUMBER:DIGEST"):
        call_command("verify_audit", "--since=yesterday")


def test_the_command_fails_and_says_where(db: None) -> None:
    _write(3)
    _sql("DELETE FROM accounts_auditevent WHERE number = 2")
    said = StringIO()

    with pytest.raises(CommandError, match="1 problems"):
        call_command("verify_audit", stderr=said)

    assert said.getvalue() == "Event 2 is missing.\n"


def test_each_event_is_witnessed_by_the_log_once_it_is_committed(
    alice: User, committed: DjangoCaptureOnCommitCallbacks
) -> None:
    with capture_logs() as lines, committed(execute=True):
        event = _write(1, alice)[0]
        assert lines == []

    assert [(line["event"], line["number"], line["digest"]) for line in lines] == [
        ("audit", 1, event.digest)
    ]


@pytest.mark.parametrize(
    "name", ["password", "new_password", "refresh_token", "body", "secret_key"]
)
def test_it_refuses_what_it_must_not_hold(db: None, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        record(kind=AuditKind.SIGNED_IN, user=None, address=None, detail={name: "x"})


def test_it_takes_any_text_short_and_without_control_characters(db: None) -> None:
    hostile = "a\0b\r\n\x1b[31m\u202e\ud800é" + "x" * 10_000

    record(
        kind=AuditKind.TOKEN_REUSED,
        user=None,
        address="nonsense\r\n",
        detail={"device": hostile},
    )

    event = AuditEvent.objects.get()
    assert event.address == ""
    assert event.detail["device"].startswith("ab[31méxxx")
    assert len(event.detail["device"]) <= VALUE_MAX
    assert list(chain.problems()) == []


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_make_one_chain() -> None:
    writers, each = 8, 5
    barrier = threading.Barrier(writers)

    def write() -> None:
        try:
            barrier.wait(10)
            for _ in range(each):
                _write(1)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(writers) as pool:
        for future in [pool.submit(write) for _ in range(writers)]:
            future.result(30)

    assert chain.head().number == AuditEvent.objects.count() == writers * each
    assert list(chain.problems()) == []


@pytest.fixture
def staff_client(alice: User) -> Callable[..., Client]:
    def make(*permissions: str) -> Client:
        alice.is_staff = True
        alice.save()
        alice.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(alice)
        return client

    return make


def test_staff_with_the_permission_read_it_and_change_nothing(
    staff_client: Callable[..., Client], alice: User, bob: User
) -> None:
    record(kind=AuditKind.SUSPENDED, user=bob, actor=alice, address=None, detail={"why": "spam"})
    bob.delete()
    every = [f"{verb}_auditevent" for verb in ("view", "add", "change", "delete")]
    client = staff_client(*every)

    page = client.get("/admin/accounts/auditevent/").content.decode()
    entry = client.get("/admin/accounts/auditevent/1/change/").content.decode()

    assert "why: spam" in page
    assert "alice" in page
    assert AuditEvent.objects.get(kind=AuditKind.SUSPENDED).digest in entry
    assert 'name="_save"' not in entry
    assert client.get("/admin/accounts/auditevent/add/").status_code == 403
    assert client.post("/admin/accounts/auditevent/1/delete/").status_code == 403
    assert staff_client().get("/admin/accounts/auditevent/").status_code == 403
