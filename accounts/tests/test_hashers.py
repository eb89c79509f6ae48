import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password

from accounts import hashers
from pneumatic.lib.errors import Unavailable


def test_passwords_are_argon2id_hashes_with_one_lane() -> None:
    encoded = make_password("seven green lanterns")

    assert encoded.startswith("argon2$argon2id$v=19$")
    assert ",p=1$" in encoded
    assert check_password("seven green lanterns", encoded)
    assert not check_password("seven green lantern", encoded)


def test_no_more_hash_at_once_than_there_are_places(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, running, most = threading.Lock(), 0, 0
    full = threading.Event()

    def counted(self: Argon2PasswordHasher, password: str, salt: str) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == hashers.AT_ONCE:
                full.set()
        full.wait(10)
        with lock:
            running -= 1
        return password

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counted)
    hasher = hashers.Argon2Hasher()

    with ThreadPoolExecutor(hashers.AT_ONCE * 4) as pool:
        list(pool.map(lambda n: hasher.encode(str(n), "salt"), range(hashers.AT_ONCE * 4)))

    assert most == hashers.AT_ONCE


def test_whoever_waits_too_long_for_a_place_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashers, "PATIENCE", 0.01)
    leave = threading.Event()
    busy = [hashers._workers().submit(leave.wait, 10) for _ in range(hashers.AT_ONCE)]
    try:
        with pytest.raises(Unavailable) as refused:
            make_password("seven green lanterns")
    finally:
        leave.set()

    assert refused.value.retry_after == 5
    assert all(each.result(10) for each in busy)
    assert make_password("seven green lanterns")


def test_a_hash_that_is_under_way_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashers, "PATIENCE", 0.0)
    begun, leave = threading.Event(), threading.Event()

    def slow(self: Argon2PasswordHasher, password: str, salt: str) -> str:
        begun.set()
        leave.wait(10)
        return password

    monkeypatch.setattr(Argon2PasswordHasher, "encode", slow)
    monkeypatch.setattr(hashers, "_workers", lambda: _Begun(begun, leave))

    assert hashers.Argon2Hasher().encode("secret", "salt") == "secret"


class _Begun(ThreadPoolExecutor):
    """Hands a future out only once its work has begun."""

    def __init__(self, begun: threading.Event, leave: threading.Event) -> None:
        super().__init__(1)
        self._begun, self._leave = begun, leave

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        future = super().submit(*args, **kwargs)
        self._begun.wait(10)
        threading.Timer(0.05, self._leave.set).start()
        return future


def test_a_hash_that_cost_more_is_not_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    costly = make_password("seven green lanterns")
    monkeypatch.setattr(hashers.Argon2Hasher, "parallelism", 2)

    def none(*_: object) -> str:
        raise AssertionError("nothing is left to make up for")

    monkeypatch.setattr(Argon2PasswordHasher, "encode", none)
    assert not check_password("seven green lantern", costly)
