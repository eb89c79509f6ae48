"""What a browser does on the way to a provider and back."""

from http.cookies import Morsel
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.test import Client

from accounts.api import cookies
from pneumatic.testing.identity_provider import IdentityProvider

CAROL = {
    "email": "carol@example.org",
    "email_verified": True,
    "preferred_username": "carol",
    "name": "Carol Koh",
}


def leave(client: Client, **query: str) -> str:
    """Follow the button; where the browser is sent."""
    answer = client.get("/sign-on/", query)
    assert answer.status_code == 302
    return str(answer["Location"])


def come_back(client: Client, url: str) -> Any:
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("http", "testserver")
    answer = client.get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 302, answer.content
    return answer


def enter(client: Client, provider: IdentityProvider, login: str = "carol", **query: str) -> Any:
    """The whole way, as a browser goes it."""
    return come_back(client, provider.authorize(leave(client, **query), login))


def reason(answer: Any) -> str | None:
    """Why the browser is sent to the sign-in page; None when it is sent elsewhere."""
    parts = urlsplit(answer["Location"])
    if parts.path != "/sign-in":
        return None
    assert cookies.NAME not in answer.cookies
    words: list[str] = parse_qs(parts.query)["sso"]
    return words[0]


def handshake_cookie(client: Client) -> "Morsel[str]":
    return client.cookies["pn_sign_on"]
