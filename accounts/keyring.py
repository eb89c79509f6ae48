"""The keys that sign tokens: one signs, and those it replaced, or that will replace it, verify.

A key's name (`kid`) is made from the key itself, so that nobody has to think one up, and the same
key has the same name on every machine.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import jwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

#: Not a setting: a token that names another one is refused unread.
ALGORITHM: Final = "HS256"


def key_id(key: str) -> str:
    """The name of a key: the beginning of its SHA-256, in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


class KeyRing(TokenBackend):
    """Signs with the first of ``keys``, and verifies with whichever of them a token names."""

    def __init__(self, keys: Sequence[str], *, audience: str, issuer: str, leeway: float) -> None:
        super().__init__(ALGORITHM, keys[0], audience=audience, issuer=issuer, leeway=leeway)
        self._keys = tuple(keys)

    @cached_property
    def _by_id(self) -> dict[str, Any]:
        return {key_id(key): self._prepare_key(key) for key in self._keys}

    def encode(self, payload: dict[str, Any]) -> str:
        return jwt.encode(
            {**payload, "aud": self.audience, "iss": self.issuer},
            self.prepared_signing_key,
            algorithm=ALGORITHM,
            headers={"kid": key_id(self._keys[0])},
        )

    def get_verifying_key(self, token: Any) -> Any:
        """Ours of that name. Addresses of keys, and keys, that a token brings are not looked at."""
        try:
            return self._by_id[jwt.get_unverified_header(token)["kid"]]
        except (jwt.InvalidTokenError, KeyError) as error:
            raise TokenBackendError("It names no key of ours.") from error
