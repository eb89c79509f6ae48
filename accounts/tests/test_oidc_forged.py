"""Answers of a provider that are forged, replayed, or of somebody else."""

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from structlog.testing import capture_logs

from accounts.models import Session, User
from accounts.tests.sign_on import CAROL, come_back, enter, handshake_cookie, leave, reason
from pneumatic.testing.identity_provider import IdentityProvider

pytestmark = pytest.mark.django_db


def test_an_answer_with_a_wrong_state_is_refused_before_anything_is_asked(
    client: Client, provider: IdentityProvider
) -> None:
    asked = len(provider.seen())
    url = provider.authorize(leave(client), "carol")

    for wrong in (
        url.replace("state=", "state=x"),
        url.replace("state=", "other="),
        f"{url}&state=",
    ):
        leave(client)
        assert reason(come_back(client, wrong)) == "expired"
    assert len(provider.seen()) == asked
    assert not Session.objects.exists()


def test_an_answer_in_another_browser_is_refused(
    client: Client, provider: IdentityProvider
) -> None:
    """An attacker sends a victim the end of the attacker's own sign-in."""
    url = provider.authorize(leave(client), "carol")
    victim = Client()

    assert reason(come_back(victim, url)) == "expired"
    leave(victim)
    assert reason(come_back(victim, url)) == "expired"
    assert not Session.objects.exists()


@pytest.mark.parametrize("value", ["", "x", "e30:1:forged", '["a","b","c","/"]'])
def test_a_cookie_that_we_did_not_sign_is_none(
    client: Client, provider: IdentityProvider, value: str
) -> None:
    url = provider.authorize(leave(client), "carol")
    client.cookies["pn_sign_on"] = value

    assert reason(come_back(client, url)) == "expired"


def test_whoever_takes_too_long_begins_anew(client: Client, provider: IdentityProvider) -> None:
    url = provider.authorize(leave(client), "carol")

    with time_machine.travel(time.time() + 601, tick=False):
        assert reason(come_back(client, url)) == "expired"


def test_a_code_opens_the_door_once(client: Client, provider: IdentityProvider) -> None:
    url = provider.authorize(leave(client), "carol")
    kept = handshake_cookie(client).value
    assert reason(come_back(client, url)) is None

    assert handshake_cookie(client).value == ""
    client.cookies["pn_sign_on"] = kept
    assert reason(come_back(client, url)) == "refused"
    assert Session.objects.count() == 1


def test_a_code_of_another_sign_in_is_refused(client: Client, provider: IdentityProvider) -> None:
    """PKCE: a code that somebody caught is of no use in their own sign-in."""
    caught = parse_qs(urlsplit(provider.authorize(leave(Client()), "carol")).query)["code"][0]
    own = provider.authorize(leave(client), "carol")
    mine = parse_qs(urlsplit(own).query)["code"][0]

    assert reason(come_back(client, own.replace(mine, caught))) == "refused"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": ["of another sign-in"]},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": "another-client", "azp": "pneumatic"},
        {"aud": None},
        {"aud": ["pneumatic", "another-client"]},
        {"aud": ["pneumatic", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": "-120"},
        {"exp": None},
        {"exp": [1]},
        {"exp": True},
        {"iat": "+600"},
        {"iat": None},
        {"nbf": "+600"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "a\0b"},
        {"at_hash": "of another token"},
    ],
    ids=str,
)
def test_an_id_token_with_a_wrong_claim_is_refused(
    client: Client, provider: IdentityProvider, claims: dict[str, Any]
) -> None:
    provider.control(people={"carol": CAROL}, claims=claims)

    with capture_logs() as lines:
        answer = enter(client, provider)

    assert reason(answer) == "invalid"
    assert not User.objects.exists()
    (line,) = [line for line in lines if line["event"] == "sign_on_failed"]
    assert line["log_level"] == "warning"
    assert line["cause"].split()[0] in {*claims, "sub"} | {"azp"}


@pytest.mark.parametrize(
    "signature", ["none", "hs256", "hs256-client", "stranger", "embedded", "altered"]
)
def test_an_id_token_with_a_wrong_signature_is_refused(
    client: Client, provider: IdentityProvider, signature: str
) -> None:
    provider.control(people={"carol": CAROL}, signature=signature)

    with capture_logs() as lines:
        assert reason(enter(client, provider)) == "invalid"
    assert lines[-2]["cause"].startswith("signature: ")
    assert not User.objects.exists()


def test_an_answer_of_another_provider_is_refused(
    client: Client, provider: IdentityProvider
) -> None:
    url = provider.authorize(leave(client), "carol")
    iss = parse_qs(urlsplit(url).query, keep_blank_values=True)["iss"][0]
    assert iss == provider.issuer

    assert reason(come_back(client, f"{url}&iss=https://evil.example")) == "invalid"


def test_whoever_cancels_comes_back_to_the_sign_in_page(
    client: Client, provider: IdentityProvider
) -> None:
    url = provider.authorize(leave(client), "carol", answer="no")

    assert reason(come_back(client, url)) == "cancelled"


@pytest.mark.parametrize(
    "query", ["", "error=server_error", "error=%0AINFO forged", "code=", "code=" + "x" * 5000]
)
def test_an_answer_without_a_code_is_no_500(
    client: Client, provider: IdentityProvider, query: str
) -> None:
    state = parse_qs(urlsplit(leave(client)).query)["state"][0]

    with capture_logs() as lines:
        answer = come_back(client, f"http://testserver/sign-on/callback/?state={state}&{query}")

    assert reason(answer) in ("refused", "invalid")
    assert "\n" not in json.dumps(lines[-1]).replace("\\n", "\n")
