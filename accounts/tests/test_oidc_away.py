"""A provider that is away, slow, or talks nonsense."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError
from django.test import Client
from structlog.testing import capture_logs

from accounts import oidc
from accounts.api import oidc as doors
from accounts.oidc import provider as provider_module
from accounts.tests.sign_on import CAROL, come_back, enter, leave, reason
from pneumatic.testing.identity_provider import IdentityProvider

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("trouble", ["hang", "drip"])
@pytest.mark.parametrize("path", [".well-known/openid-configuration", "token"])
def test_a_provider_that_never_finishes_is_given_up(
    client: Client, provider: IdentityProvider, quick: None, trouble: str, path: str
) -> None:
    if path == "token":
        leave(client)
    provider.control(people={"carol": CAROL}, trouble={f"/realm/{path}": trouble})

    answer = client.get("/sign-on/") if path != "token" else enter(client, provider)

    assert reason(answer) == "away"


@pytest.mark.parametrize("trouble", ["long", "redirect", "page", "list", "deep", "error"])
@pytest.mark.parametrize("path", [".well-known/openid-configuration", "keys", "token", "userinfo"])
def test_a_provider_that_talks_nonsense_is_never_a_500(
    client: Client, provider: IdentityProvider, path: str, trouble: str
) -> None:
    if path in ("token", "userinfo"):
        leave(client)
    provider.control(
        people={"carol": CAROL}, trouble={f"/realm/{path}": trouble}, tells_in="userinfo"
    )

    known = path in ("token", "userinfo")
    with capture_logs() as lines:
        answer = enter(client, provider) if known else client.get("/sign-on/")

    assert reason(answer) in ("away", "misconfigured")
    assert [line["event"] for line in lines if line["log_level"] != "info"] == ["sign_on_failed"]


def test_a_provider_that_is_down_leads_back_to_the_sign_in_page(
    client: Client, provider: IdentityProvider, process: IdentityProvider
) -> None:
    url = provider.authorize(leave(client), "carol")
    process.stop()
    try:
        assert reason(come_back(client, url)) == "away"
        oidc.forget_provider()
        assert reason(Client().get("/sign-on/")) == "away"
    finally:
        process.start()
    # Soon, but not at once: all who came meanwhile would have waited in vain.
    oidc.forget_provider()
    assert urlsplit(leave(client)).path == "/realm/authorize"


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"token_endpoint": "//127.0.0.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": ["https://127.0.0.1"]},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://[::1"},
        {"userinfo_endpoint": 7},
    ],
    ids=str,
)
def test_a_discovery_document_that_makes_no_sense_is_not_followed(
    client: Client, provider: IdentityProvider, metadata: dict[str, Any]
) -> None:
    provider.control(metadata=metadata)

    assert reason(client.get("/sign-on/")) == "misconfigured"


def test_the_providers_addresses_are_fetched_once(
    client: Client, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []
    original = provider_module._fetch_provider

    def counted(issuer: str) -> provider_module.Provider:
        fetched.append(issuer)
        return original(issuer)

    monkeypatch.setattr(provider_module, "_fetch_provider", counted)
    for _ in range(3):
        leave(client)
    assert len(fetched) == 1
    monkeypatch.setattr(provider_module, "KEPT_SECONDS", 0.0)
    leave(client)
    assert len(fetched) == 2


def test_a_database_that_is_away_leads_back_to_the_sign_in_page(
    client: Client, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(doors, "sign_in_with_identity", fail)

    assert reason(enter(client, provider)) == "busy"
