"""Talking to the OpenID Connect provider: where to send a browser, and whom it has signed in.

The authorisation code flow with PKCE. Nothing here knows of our own accounts.

What does the talking is imported when somebody signs on: it needs libraries that take a good part
of a start, for a provider that most servers don't have.
"""

from collections.abc import Mapping

from django.conf import settings

from accounts.oidc.people import Handshake, Person

__all__ = [
    "Handshake", "Person", "authorization_url", "forget_provider", "is_on", "person_behind",
]  # fmt: skip


def is_on() -> bool:
    """Whether a provider is configured."""
    return bool(settings.OIDC_ISSUER)


def authorization_url(handshake: Handshake, *, redirect_uri: str) -> str:
    """Where to send the browser. Raises ``SignOnFailed`` when the provider is away."""
    from accounts.oidc import flow

    return flow.authorization_url(handshake, redirect_uri=redirect_uri)


def person_behind(answer: Mapping[str, str], handshake: Handshake, *, redirect_uri: str) -> Person:
    """Whom the provider has signed in. Raises ``SignOnFailed``."""
    from accounts.oidc import flow

    return flow.person_behind(answer, handshake, redirect_uri=redirect_uri)


def forget_provider() -> None:
    """Ask the provider anew: for tests."""
    from accounts.oidc import provider

    provider.forget_provider()
