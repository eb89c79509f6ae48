"""Talking to the OpenID Connect provider: where to send a browser, and whom it has signed in.

The authorisation code flow with PKCE. Nothing here knows of our own accounts.
"""

from accounts.oidc.flow import Handshake, Person, authorization_url, is_on, person_behind
from accounts.oidc.provider import forget_provider

__all__ = [
    "Handshake", "Person", "authorization_url", "forget_provider", "is_on", "person_behind",
]  # fmt: skip
