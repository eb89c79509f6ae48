"""Rows 11 and 14: 12 to 256 characters of any kind; common, known and breached ones refused."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as some
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import actions
from accounts.actions.passwords import problems_with_password
from accounts.management.commands import tune_argon2
from accounts.models import User
from accounts.passwordrules import PASSWORD_MAX, holds
from accounts.tests.conftest import PASSWORD
from pneumatic.lib.errors import Unavailable

TOKEN, REGISTER = "/api/v1/auth/token/", "/api/v1/auth/register/"


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper()


# --- How long, and of what ---


@pytest.mark.parametrize(
    ("length", "good"), [(11, False), (12, True), (PASSWORD_MAX, True), (PASSWORD_MAX + 1, False)]
)
def test_twelve_to_256_characters(alice: User, length: int, good: bool) -> None:
    password = ("quiet purple river " * 20)[:length]

    assert (problems_with_password(password, user=alice) == []) is good


@pytest.mark.parametrize(
    "password",
    [
        "  seven  spaces  ",
        "зелёный фонарь семь",
        "七つの緑のランタンと川と山",
        "🏮🌊🏔️🌿🕯️🪵🧭🪁🛶🪺🫙🪴",
        "e\u0301e\u0301e\u0301 lanterne vue",
        "ＦＵＬＬＷＩＤＴＨ river",
        "\u202ertl river stone",
        "zwj\u200dzwj\u200driver stone",
        "quote\"'\\</script>&amp;",
        "%00%0a;DROP TABLE",
    ],
)
def test_any_unicode_is_taken_unchanged(db: None, password: str) -> None:
    body = {"username": "carol", "email": "c@example.org", "password": password}
    assert APIClient().post(REGISTER, body).status_code == 201

    signed_in = APIClient().post(TOKEN, {"username": "carol", "password": password})
    assert signed_in.status_code == 200
    form = {"username": "carol", "password": password}
    assert Client().post("/api/v1/sign-in/login/", form).status_code == 302
    for other in (password + " ", " " + password, password.upper() + "x", password[:-1]):
        refused = APIClient().post(TOKEN, {"username": "carol", "password": other})
        assert refused.status_code == 401


def test_two_forms_of_one_letter_are_two_passwords(db: None) -> None:
    actions.register_user(username="carol", email="c@example.org", password="caf\u00e9 lanterns 7")

    wrong = {"username": "carol", "password": "cafe\u0301 lanterns 7"}
    assert APIClient().post(TOKEN, wrong).status_code == 401


# --- Which are refused ---


@pytest.mark.parametrize(
    "password",
    [
        "123456789012",
        "1q2w3e4r5t6y",
        "qwertyuiop123",
        "alice@example.org",
        "Alice Lind 2026",
        "pneumatic-chat-2026!",
        "PneumaticChat123",
        "northpier-2026!!",
        "chat.northpier.example",
    ],
)
def test_common_ones_and_those_of_known_words_are_refused(
    alice: User, settings: Settings, password: str
) -> None:
    settings.PASSWORD_CONTEXT_WORDS = ["Northpier"]
    settings.ALLOWED_HOSTS = ["chat.northpier.example"]

    assert problems_with_password(password, user=alice)


@pytest.mark.parametrize(
    "password",
    ["alice keeps seven lanterns", "pneumatic marmalade", "chat about seven rivers", PASSWORD],
)
def test_known_words_with_enough_of_ones_own_are_fine(alice: User, password: str) -> None:
    assert problems_with_password(password, user=alice) == []


@pytest.fixture
def breached(tmp_path: Path, settings: Settings) -> list[str]:
    """Passwords in the operator's file, among a thousand others."""
    leaked = ["seven leaked rivers", "зелёный leaked фонарь"]
    texts = [*leaked, *(f"other {n}" for n in range(1000))]
    lines = sorted(f"{_sha1(text)}:{n}" for n, text in enumerate(texts))
    file = tmp_path / "pwned.txt"
    file.write_text("\r\n".join(lines) + "\r\n")
    settings.BREACHED_PASSWORDS_FILE = str(file)
    return leaked


def test_breached_ones_are_refused_offline(alice: User, breached: list[str]) -> None:
    for password in breached:
        (problem,) = problems_with_password(password, user=alice)
        assert "data breach" in problem
    assert problems_with_password("seven unleaked rivers", user=alice) == []


def test_while_the_file_cannot_be_read_nothing_gets_in_unchecked(
    alice: User, breached: list[str], settings: Settings
) -> None:
    settings.BREACHED_PASSWORDS_FILE = "/nowhere/pwned.txt"

    with pytest.raises(Unavailable):
        problems_with_password("seven unleaked rivers", user=alice)
    body = {"username": "carol", "email": "c@example.org", "password": "seven unleaked rivers"}
    assert APIClient().post(REGISTER, body).status_code == 503
    assert APIClient().post(TOKEN, {"username": "alice", "password": PASSWORD}).status_code == 200


@given(
    some.sets(some.integers(0, 2**160 - 1), max_size=40),
    some.integers(0, 2**160 - 1),
    some.sampled_from(["\n", "\r\n"]),
    some.booleans(),
    some.integers(0, 10**9),
)
def test_the_search_finds_what_is_there_and_nothing_else(
    numbers: set[int], stranger: int, end: str, ended: bool, count: int
) -> None:
    digests = sorted(f"{number:040X}" for number in numbers)
    text = end.join(f"{digest}:{count >> (n % 20)}" for n, digest in enumerate(digests))
    file = io.BytesIO((text + (end if ended else "")).encode())

    for digest in digests:
        assert holds(file, digest.encode())
    assert holds(file, f"{stranger:040X}".encode()) is (stranger in numbers)


def test_the_search_reads_little_of_a_large_file() -> None:
    digests = sorted(_sha1(str(number)) for number in range(20_000))
    reads = 0

    class Counting(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            nonlocal reads
            reads += 1
            return super().readline(size)

    file = Counting("".join(f"{digest}:1\r\n" for digest in digests).encode())
    assert holds(file, digests[12_345].encode())
    assert not holds(file, b"F" * 40)
    assert reads < 100


# --- What a hash costs ---


def test_the_tuner_takes_memory_first_then_passes() -> None:
    def measure(passes: int, kib: int) -> float:
        return passes * kib / 1_000_000

    roomy = tune_argon2.choose(0.25, 65_536, measure)
    assert (roomy.kib, roomy.passes) == (65_536, 3)
    tight = tune_argon2.choose(0.08, 65_536, measure)
    assert tight.kib < 65_536
    assert tight.seconds <= 0.08
    hopeless = tune_argon2.choose(0.001, 65_536, measure)
    assert (hopeless.kib, hopeless.passes) == (tune_argon2.LEAST_KIB, 2)


def test_the_tuner_prints_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_argon2, "measured", lambda passes, kib: passes * kib / 1_000_000)
    call_command("tune_argon2", milliseconds=250, memory=64)

    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "ARGON2_TIME_COST=3",
        "ARGON2_MEMORY_KIB=65536",
        "ARGON2_PARALLELISM=1",
    ]
    assert "197 ms a hash" in err
    for options in ({"milliseconds": 1}, {"memory": 1}, {"memory": 10_000}):
        with pytest.raises(CommandError):
            call_command("tune_argon2", **options)


def test_a_real_hash_is_measured() -> None:
    assert 0 < tune_argon2.measured(1, 64) < 10


@pytest.mark.parametrize("door", [TOKEN, "/api/v1/sign-in/login/"])
def test_hashes_of_former_parameters_are_renewed_at_sign_in(
    alice: User, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    assert "t=1," in alice.password
    monkeypatch.setattr("accounts.hashers.Argon2Hasher.time_cost", 2)
    body = {"username": "alice", "password": PASSWORD}

    client: Any = APIClient() if door == TOKEN else Client()
    client.post(door, {**body, "password": "wrong"})
    alice.refresh_from_db()
    assert "t=1," in alice.password
    assert client.post(door, body).status_code in {200, 302}
    alice.refresh_from_db()
    assert "t=2," in alice.password
    assert client.post(door, body).status_code in {200, 302}
