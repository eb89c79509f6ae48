import base64
import json
import time
from typing import Any, cast

import jwt
import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from accounts import actions, tokens
from accounts.authentication import authenticate_token
from accounts.errors import InvalidToken, SessionRevoked, TokenExpired
from accounts.keyring import key_id
from accounts.models import Session, User

KEY: str = settings.JWT_SIGNING_KEYS[0]


def _forged(session: Session, *, key: str = KEY, algorithm: str = "HS256", **changes: Any) -> str:
    """An access token with some claims changed, or left out where the change is None.

    It names our key, whichever it is signed with.
    """
    claims = jwt.decode(tokens.issue(session).access, options={"verify_signature": False})
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": key_id(KEY)})


def _unsigned(session: Session, header: dict[str, Any]) -> str:
    """An access token's claims under a header of one's own, without signature."""
    body = tokens.issue(session).access.split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{head}.{body}."


def test_an_access_token_says_who_on_which_device_and_until_when(laptop: Session) -> None:
    pair = tokens.issue(laptop)

    claims = tokens.verify_access(pair.access)
    identity = authenticate_token(pair.access)

    assert claims.user_id == laptop.user_id
    assert claims.session_id == laptop.pk
    assert claims.expires_at == pair.access_expires_at == identity.expires_at
    assert (identity.user, identity.session) == (laptop.user, laptop)
    body = jwt.decode(pair.access, options={"verify_signature": False})
    assert set(body) == {"sub", "sid", "pid", "iat", "exp", "jti", "iss", "aud", "token_type"}
    assert jwt.get_unverified_header(pair.access)["alg"] == "HS256"


def test_the_refresh_token_of_a_row_is_always_the_same_and_the_access_token_never(
    laptop: Session,
) -> None:
    stored = Session.objects.get(pk=laptop.pk)

    first, second = tokens.issue(laptop), tokens.issue(stored)

    assert first.refresh == second.refresh
    assert first.access != second.access


def test_the_database_holds_no_token(laptop: Session) -> None:
    pair = tokens.issue(laptop)
    row = Session.objects.filter(pk=laptop.pk).values().get()

    held = " ".join(map(str, row.values()))
    assert pair.refresh not in held
    assert pair.refresh.split(".")[2] not in held


def test_a_token_without_signature_is_refused(laptop: Session) -> None:
    for algorithm in ("none", "None", "NONE", "", None):
        with pytest.raises(InvalidToken):
            tokens.verify_access(_unsigned(laptop, {"alg": algorithm, "typ": "JWT"}))


def test_a_token_of_another_algorithm_or_key_is_refused(laptop: Session) -> None:
    for forged in (
        _forged(laptop, algorithm="HS512"),
        _forged(laptop, algorithm="HS384"),
        _forged(laptop, key="k" * 64),
        _forged(laptop, key=settings.SECRET_KEY),
    ):
        with pytest.raises(InvalidToken):
            tokens.verify_access(forged)


def test_the_key_that_a_token_names_itself_is_not_looked_at(laptop: Session) -> None:
    claims = jwt.decode(tokens.issue(laptop).access, options={"verify_signature": False})
    key = "attackers-own-key-attackers-own-key"
    headers = {"kid": "../../dev/null", "jku": "https://evil.example/keys", "jwk": {"k": key}}

    with pytest.raises(InvalidToken):
        tokens.verify_access(jwt.encode(claims, key, algorithm="HS256", headers=headers))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "someone-else"},
        {"aud": "someone-else"},
        {"iss": None},
        {"aud": None},
        {"exp": None},
        {"iat": None},
        {"jti": None},
        {"sub": None},
        {"sid": None},
        {"pid": None},
        {"token_type": None},
        {"token_type": "refresh"},
        {"sub": "not-an-id"},
        {"sid": 7},
        {"iat": "yesterday"},
        {"exp": 10**30},
    ],
    ids=str,
)
def test_a_token_with_a_missing_or_foreign_claim_is_refused(
    laptop: Session, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify_access(_forged(laptop, **changes))


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_from_the_future_is_refused(laptop: Session, claim: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify_access(
            _forged(laptop, **cast(dict[str, Any], {claim: int(time.time()) + 60}))
        )


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_of_a_process_whose_clock_is_ahead_by_less_than_half_a_minute_is_good_f20(
    laptop: Session, claim: str
) -> None:
    early = _forged(laptop, **cast(dict[str, Any], {claim: int(time.time()) + 25}))
    assert tokens.verify_access(early).session_id == laptop.pk


def test_no_clock_lengthens_a_tokens_life_f20(laptop: Session) -> None:
    with pytest.raises(TokenExpired):
        tokens.verify_access(_forged(laptop, exp=int(time.time()) - 1))


def test_a_refresh_token_is_no_access_token_nor_the_other_way_round(laptop: Session) -> None:
    pair = tokens.issue(laptop)

    with pytest.raises(InvalidToken):
        tokens.verify_access(pair.refresh)
    with pytest.raises(InvalidToken):
        tokens.verify_refresh(pair.access)
    with pytest.raises(InvalidToken):
        authenticate_token(pair.refresh)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        "\ud800",
        "\0",
        "x" * 5000,
        base64.urlsafe_b64encode(b"[" * 1500).decode() + ".e30.x",
        base64.urlsafe_b64encode(b'{"alg":' + b"9" * 1000 + b"}").decode() + ".e30.x",
    ],
)
def test_rubbish_is_refused_and_breaks_nothing(raw: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify_access(raw)


def test_an_access_token_ends_when_it_said(laptop: Session) -> None:
    pair = tokens.issue(laptop)

    with time_machine.travel(pair.access_expires_at.timestamp() - 1, tick=False):
        tokens.verify_access(pair.access)
    with (
        time_machine.travel(pair.access_expires_at.timestamp() + 1, tick=False),
        pytest.raises(TokenExpired),
    ):
        tokens.verify_access(pair.access)


def test_no_access_token_outlives_its_session(laptop: Session) -> None:
    with time_machine.travel(laptop.expires_at.timestamp() - 60, tick=False):
        pair = tokens.issue(laptop)

    assert pair.access_expires_at == laptop.expires_at.replace(microsecond=0)


def test_the_token_of_a_session_that_was_signed_out_is_refused(laptop: Session) -> None:
    access = tokens.issue(laptop).access
    actions.sign_out(session=laptop)

    with pytest.raises(SessionRevoked):
        authenticate_token(access)


def test_the_token_of_a_suspended_or_deleted_user_is_refused(alice: User, laptop: Session) -> None:
    access = tokens.issue(laptop).access

    User.objects.filter(pk=alice.pk).update(is_active=False)
    with pytest.raises(SessionRevoked):
        authenticate_token(access)
    alice.delete()
    with pytest.raises(SessionRevoked):
        authenticate_token(access)


def test_a_token_that_names_another_users_session_is_refused(laptop: Session, bob: User) -> None:
    with pytest.raises(InvalidToken):
        authenticate_token(_forged(laptop, sub=str(bob.pk)))


def test_what_is_left_of_a_session_is_never_negative(laptop: Session) -> None:
    assert tokens.remaining(laptop).days == 29
    laptop.expires_at = timezone.now().replace(year=2000)
    assert tokens.remaining(laptop).total_seconds() == 0
