"""Rows 7, 9 and 16: a reset tells nothing, and its link works once, for half an hour."""

import smtplib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail as outgoing
from django.core.mail.backends.locmem import EmailBackend
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from rest_framework.test import APIClient

from accounts import actions, knowndevices, links, mail
from accounts.actions.identity import ACCOUNT_DELAY
from accounts.errors import TooManyFailures, WrongCredentials
from accounts.models import RevokedReason, Session, User
from accounts.tests.conftest import PASSWORD
from accounts.tests.joining import token_in

RESET, CONFIRM = "/api/v1/auth/password/reset/", "/api/v1/auth/password/reset/confirm/"
NEW = "nine yellow lanterns"

Committed = DjangoCaptureOnCommitCallbacks


@pytest.fixture(autouse=True)
def mail_on(settings: Settings) -> None:
    settings.MAIL_ON = True
    settings.PUBLIC_URL = "https://chat.example.org"


def ask(committed: Committed, email: str = "alice@example.org", **headers: str) -> Any:
    with committed(execute=True):
        answer = APIClient().post(RESET, {"email": email}, headers=headers)
    mail.drain()
    return answer


def confirm(token: str, new: str = NEW) -> Any:
    return APIClient().post(CONFIRM, {"token": token, "new_password": new})


def test_a_reset_answers_alike_for_every_address(
    alice: User, bob: User, committed: Committed
) -> None:
    actions.suspend_user(user=bob)
    answers = [
        ask(committed, email)
        for email in ("alice@example.org", "bob@example.org", "nobody@example.org")
    ]

    assert {(each.status_code, each.content) for each in answers} == {(202, b"")}
    assert len({frozenset(each.headers) for each in answers}) == 1
    assert [message.to for message in outgoing.outbox] == [["alice@example.org"]]


def test_e_mail_is_written_and_sent_after_the_answer(
    alice: User, committed: Committed, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def slow(self: EmailBackend, messages: Any) -> int:
        threads.append(threading.current_thread().name)
        return len(messages)

    monkeypatch.setattr(EmailBackend, "send_messages", slow)
    ask(committed)

    assert len(threads) == 1
    assert threads[0].startswith("mail")


def test_a_link_sets_a_new_password_and_ends_every_session(
    alice: User, laptop: Session, phone: Session, committed: Committed
) -> None:
    ask(committed)
    (message,) = outgoing.outbox
    assert "30 minutes" in message.body

    assert confirm(token_in(message, "reset")).status_code == 204
    laptop.refresh_from_db()
    phone.refresh_from_db()
    assert {laptop.revoked_reason, phone.revoked_reason} == {RevokedReason.PASSWORD_CHANGED}
    assert actions.sign_in(username="alice", password=NEW).user == alice


def test_a_reset_link_is_dead_after_use(alice: User) -> None:
    token = links.reset_token(alice)
    assert confirm(token).status_code == 204

    again = confirm(token, "ten purple lanterns")
    assert (again.status_code, set(again.json()["errors"])) == (400, {"token"})


@pytest.mark.parametrize("minutes", [29, 31])
def test_a_reset_link_lasts_half_an_hour(alice: User, minutes: int) -> None:
    token = links.reset_token(alice)

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes), tick=False):
        assert confirm(token).status_code == (204 if minutes < 30 else 400)


def _change_password(user: User) -> None:
    actions.set_password(user=user, new="eleven green lanterns")


def _sign_in(user: User) -> None:
    actions.sign_in(username=user.username, password=PASSWORD)


def _change_address(user: User) -> None:
    User.objects.filter(pk=user.pk).update(email="new@example.org")


def _suspend(user: User) -> None:
    actions.suspend_user(user=user)


def _second_factor(user: User) -> None:
    User.objects.filter(pk=user.pk).update(second_factor_at=datetime.now(UTC))


@pytest.mark.parametrize(
    "change", [_change_password, _sign_in, _change_address, _suspend, _second_factor]
)
def test_a_reset_link_is_bound_to_the_state_that_it_changes(
    alice: User, change: Callable[[User], None]
) -> None:
    token = links.reset_token(alice)
    change(alice)

    assert confirm(token).status_code == 400


def test_a_link_of_one_resets_nobody_else(alice: User, bob: User) -> None:
    _, _, rest = links.reset_token(alice).partition("-")

    assert confirm(f"{bob.pk.hex}-{rest}").status_code == 400
    for token in ("x", "-", "é-1", f"{bob.pk.hex}-", "0" * 200):
        assert confirm(token).status_code == 400


def test_a_weak_password_leaves_the_link_good(alice: User) -> None:
    token = links.reset_token(alice)

    assert set(confirm(token, "alice").json()["errors"]) == {"new_password"}
    assert confirm(token).status_code == 204


@pytest.mark.parametrize("header", [{"host": "evil.example"}, {"x-forwarded-host": "evil.example"}])
def test_the_host_header_cannot_poison_the_link(
    alice: User, committed: Committed, header: dict[str, str]
) -> None:
    ask(committed, **header)

    (message,) = outgoing.outbox
    assert "https://chat.example.org/reset#" in message.body
    assert "evil" not in str(message.message())


@pytest.mark.parametrize(
    ("public", "origins", "base"),
    [
        ("https://a.example/", ["https://b.example"], "https://a.example"),
        ("", ["https://b.example", "https://c.example"], "https://b.example"),
        ("", [], "http://localhost:8000"),
    ],
)
def test_the_base_of_links_is_a_setting(
    settings: Settings, public: str, origins: list[str], base: str
) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_ORIGINS, settings.PORT = public, origins, 8000

    assert links.page("/reset", "secret") == f"{base}/reset#secret"


def test_a_reset_leaves_the_second_factor(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(second_factor_at=datetime.now(UTC))
    alice.refresh_from_db()
    confirm(links.reset_token(alice))

    answer = APIClient().post("/api/v1/auth/token/", {"username": "alice", "password": NEW})
    assert answer.json()["code"] == "second_factor_required"


def test_a_reset_lets_the_owner_in_whom_strangers_slowed(alice: User) -> None:
    for login in ("alice", "alice@example.org"):
        for _ in range(ACCOUNT_DELAY.free + 1):
            with pytest.raises(WrongCredentials):
                actions.sign_in(username=login, password="wrong")
        with pytest.raises(TooManyFailures):
            actions.sign_in(username=login, password=PASSWORD)
    cookie = knowndevices.remember("", user_id=alice.pk, password=alice.password)
    assert confirm(links.reset_token(alice)).status_code == 204

    assert actions.sign_in(username="alice", password=NEW).user == alice
    alice.refresh_from_db()
    assert not knowndevices.known_device(cookie, user_id=alice.pk, password=alice.password)


def test_the_owner_is_told_that_the_password_was_changed(alice: User, committed: Committed) -> None:
    with committed(execute=True):
        actions.change_password(user=alice, old=PASSWORD, new=NEW)
    mail.drain()

    (message,) = outgoing.outbox
    assert "was changed just now" in message.body
    assert NEW not in message.body


def test_the_owner_is_told_of_a_password_that_the_staff_set(
    alice: User, bob: User, committed: Committed
) -> None:
    with committed(execute=True):
        actions.set_password(user=alice, new=NEW, actor=bob)
    mail.drain()

    (message,) = outgoing.outbox
    assert message.to == ["alice@example.org"]
    assert "was changed just now" in message.body
    assert NEW not in message.body


def test_links_that_strangers_ask_for_silence_no_notice(alice: User, committed: Committed) -> None:
    for _ in range(5):
        ask(committed)
    assert len(outgoing.outbox) < 5, "of one kind an address gets no end of"

    outgoing.outbox.clear()
    with committed(execute=True):
        for _ in range(5):
            actions.set_password(user=alice, new=NEW)
        mail.send_on_commit("account-exists", alice.email, {"name": "Alice", "username": "alice"})
    mail.drain()
    assert sum("password on" in message.subject for message in outgoing.outbox) == 5
    assert len(outgoing.outbox) == 6, "and other kinds are counted apart"


def test_without_e_mail_there_is_no_reset(anyone: APIClient, db: None, settings: Settings) -> None:
    settings.MAIL_ON = False

    assert anyone.post(RESET, {"email": "alice@example.org"}).status_code == 403


@pytest.mark.parametrize("body", [{}, {"email": "nowhere"}, {"email": 7}, {"x": 1}])
def test_a_reset_names_the_field_at_fault(anyone: APIClient, db: None, body: Any) -> None:
    answer = anyone.post(RESET, body)
    assert answer.status_code == 400
    assert "email" in answer.json()["errors"]


def test_a_name_cannot_write_headers_into_an_e_mail(alice: User, committed: Committed) -> None:
    User.objects.filter(pk=alice.pk).update(display_name="Al\r\nBcc: all@example.org")
    ask(committed)

    (message,) = outgoing.outbox
    assert message.message()["Bcc"] is None
    assert message.recipients() == ["alice@example.org"]


def test_e_mail_that_cannot_be_sent_is_told_without_the_address(
    alice: User,
    committed: Committed,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = []

    def refuse(self: EmailBackend, messages: Any) -> int:
        tries.append(1)
        raise smtplib.SMTPRecipientsRefused({messages[0].to[0]: (550, b"no such box")})

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    assert ask(committed).status_code == 202

    told = [record for record in caplog.records if "mail_failed" in str(record.msg)]
    assert len(told) == 1
    assert len(tries) == 2
    assert "alice@" not in str(told[0].msg)
