"""What passes between our accounts and the provider: plain values, without its libraries."""

import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Handshake:
    """What binds an answer to the browser and to the moment that asked for it."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Handshake":
        """Three texts that nobody can guess."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider has signed in, in its own words: only the first two are an identity."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    username: str
    display_name: str
