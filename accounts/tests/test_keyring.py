"""Keys that sign tokens, and their change. Security list 1 and 2: `kid` only out of our ring."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.conf import settings as project
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import actions, tokens
from accounts.authentication import authenticate_token
from accounts.errors import InvalidToken
from accounts.keyring import key_id
from accounts.models import Session

OLD = project.JWT_SIGNING_KEYS[0]
NEW = "another-key-of-forty-characters-or-more-0"
FOREIGN = "attackers-own-key-attackers-own-key"


@pytest.fixture
def keys(settings: Settings) -> Callable[..., None]:
    def use(*ring: str) -> None:
        settings.JWT_SIGNING_KEYS = list(ring)

    return use


def _resigned(raw: str, headers: dict[str, Any], *, key: str = OLD) -> str:
    claims = jwt.decode(raw, options={"verify_signature": False})
    return jwt.encode(claims, key, algorithm="HS256", headers=headers)


def test_a_token_names_its_key_and_does_not_give_it_away(laptop: Session) -> None:
    header = jwt.get_unverified_header(tokens.issue(laptop).refresh)

    assert header == {"alg": "HS256", "typ": "JWT", "kid": key_id(OLD)}
    assert len(key_id(OLD)) == 16
    assert key_id(OLD) not in OLD


def test_a_key_is_changed_in_three_steps_and_nobody_is_signed_out(
    laptop: Session, keys: Callable[..., None]
) -> None:
    before = tokens.issue(laptop)

    keys(OLD, NEW)
    assert authenticate_token(before.access).session == laptop
    assert jwt.get_unverified_header(tokens.issue(laptop).access)["kid"] == key_id(OLD)

    keys(NEW, OLD)
    assert authenticate_token(before.access).session == laptop
    after = tokens.issue(actions.refresh_session(refresh=before.refresh))
    assert jwt.get_unverified_header(after.access)["kid"] == key_id(NEW)
    assert authenticate_token(after.access).session == laptop

    keys(NEW)
    assert authenticate_token(after.access).session == laptop
    assert tokens.issue(actions.refresh_session(refresh=after.refresh)).refresh != after.refresh
    with pytest.raises(InvalidToken):
        authenticate_token(before.access)
    with pytest.raises(InvalidToken):
        actions.refresh_session(refresh=before.refresh)


def test_servers_that_are_one_step_apart_believe_each_other(
    laptop: Session, keys: Callable[..., None]
) -> None:
    keys(OLD, NEW)
    from_old = tokens.issue(laptop).access
    keys(NEW, OLD)
    from_new = tokens.issue(laptop).access

    assert tokens.verify_access(from_old).session_id == laptop.pk
    keys(OLD, NEW)
    assert tokens.verify_access(from_new).session_id == laptop.pk


def test_two_tabs_during_the_change_hold_the_same_refresh_token_under_two_keys(
    laptop: Session, keys: Callable[..., None]
) -> None:
    first = tokens.issue(laptop).refresh
    keys(OLD, NEW)
    one = tokens.issue(actions.refresh_session(refresh=first)).refresh
    keys(NEW, OLD)
    other = tokens.issue(actions.refresh_session(refresh=first)).refresh

    assert tokens.verify_refresh(one).jti == tokens.verify_refresh(other).jti


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"kid": ""},
        {"kid": "default"},
        {"kid": "../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": "x" * 1000},
        {"kid": key_id(FOREIGN)},
        {"kid": key_id(OLD).upper()},
    ],
    ids=str,
)
def test_a_token_that_names_no_key_of_ours_is_refused_whoever_signed_it(
    laptop: Session, headers: dict[str, Any]
) -> None:
    access = tokens.issue(laptop).access

    for key in (OLD, FOREIGN):
        with pytest.raises(InvalidToken):
            tokens.verify_access(_resigned(access, headers, key=key))


@pytest.mark.parametrize("kid", [None, 7, True, [], {}, [key_id(OLD)]], ids=str)
def test_a_name_of_a_key_that_is_no_text_is_refused(
    laptop: Session, kid: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library refuses to write such a header, so its check is turned off while we do.
    with monkeypatch.context() as patch:
        patch.setattr(jwt.PyJWS, "_validate_headers", lambda *_, **__: None)
        forged = _resigned(tokens.issue(laptop).access, {"kid": kid})

    with pytest.raises(InvalidToken):
        tokens.verify_access(forged)


@pytest.mark.parametrize(
    "headers",
    [
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/certificate"},
        {"jwk": {"kty": "oct", "k": "YXR0YWNrZXJzLW93bi1rZXktYXR0YWNrZXJzLW93bi1rZXk"}},
        {"x5c": ["MIIB"]},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_a_key_that_a_token_brings_or_points_to_is_not_looked_at(
    laptop: Session, headers: dict[str, Any]
) -> None:
    access = tokens.issue(laptop).access
    named = {"kid": key_id(OLD), **headers}

    with pytest.raises(InvalidToken):
        tokens.verify_access(_resigned(access, named, key=FOREIGN))
    # Signed by us it stands for itself, whatever is written beside.
    assert tokens.verify_access(_resigned(access, named)).session_id == laptop.pk


def test_one_key_of_ours_does_not_sign_in_the_name_of_another(
    laptop: Session, keys: Callable[..., None]
) -> None:
    keys(NEW, OLD)

    with pytest.raises(InvalidToken):
        tokens.verify_access(_resigned(tokens.issue(laptop).access, {"kid": key_id(NEW)}, key=OLD))


def _signed(raw: str, **changes: Any) -> str:
    """The token's claims with changes, signed by our key, whatever a library would say to them."""
    claims = {**jwt.decode(raw, options={"verify_signature": False}), **changes}
    return jwt.PyJWS().encode(
        json.dumps(claims).encode(), OLD, algorithm="HS256", headers={"kid": key_id(OLD)}
    )


ODD: list[Any] = ["soon", "99999999999", [], [1], {}, 1e300, 10**400]
ODD += [float("nan"), float("inf")]
#: As a time in the past these are too early for exp and iat, while nbf only ever forbids.
PAST: list[Any] = ["1", True, False, -1e300, -float("inf")]


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *(("exp", value) for value in ODD + PAST),
        *(("iat", value) for value in ODD + PAST),
        *(("nbf", value) for value in ODD),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_time_that_is_no_time_in_a_rightly_signed_token_is_a_401(
    laptop: Session, claim: str, value: Any
) -> None:
    pair = tokens.issue(laptop)
    access, refresh = (_signed(each, **{claim: value}) for each in (pair.access, pair.refresh))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")

    answers = [
        client.get("/api/v1/auth/sessions/"),
        APIClient().post("/api/v1/auth/token/refresh/", {"refresh": refresh}, format="json"),
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert {answer.json()["code"] for answer in answers} == {"unauthenticated"}


CLAIMS = ["sub", "sid", "jti", "pid", "iss", "aud", "token_type"]


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("value", [7, 1.5, True, None, [], ["x"], {}, "", 10**400], ids=ascii)
def test_any_other_claim_of_a_wrong_kind_is_refused_as_well(
    laptop: Session, claim: str, value: Any
) -> None:
    forged = _signed(tokens.issue(laptop).access, **{claim: value})

    with pytest.raises(InvalidToken):
        authenticate_token(forged)


@pytest.mark.parametrize("payload", [b"", b"[]", b"7", b"null", b'"x"', b"{", b"\xff", b"[" * 900])
def test_a_payload_that_is_no_object_is_refused(db: None, payload: bytes) -> None:
    forged = jwt.PyJWS().encode(payload, OLD, algorithm="HS256", headers={"kid": key_id(OLD)})

    with pytest.raises(InvalidToken):
        authenticate_token(forged)


@pytest.mark.parametrize(
    ("environment", "ring"),
    [
        ({"JWT_SIGNING_KEY": "a" * 40}, ["a" * 40]),
        ({"JWT_SIGNING_KEYS": f"{'b' * 40}, {'c' * 40}"}, ["b" * 40, "c" * 40]),
        ({"JWT_SIGNING_KEY": "a" * 40, "JWT_SIGNING_KEYS": "b" * 40}, ["a" * 40, "b" * 40]),
    ],
    ids=["one", "several", "both"],
)
def test_the_environment_says_which_keys(
    environment: dict[str, str], ring: list[str], tmp_path: Path
) -> None:
    code = "from pneumatic import settings; print(*settings.JWT_SIGNING_KEYS)"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={"PNEUMATIC_DATA_DIR": str(tmp_path), **environment},
        cwd=project.BASE_DIR,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert said.stdout.split() == ring
    assert not (tmp_path / "jwt_key").exists()
