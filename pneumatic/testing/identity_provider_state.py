"""What the provider in `identity_provider` knows, and how it signs: rightly, or as it is told."""

import base64
import hashlib
import hmac
import json
import threading
import time
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT_ID = "pneumatic"
CLIENT_SECRET = "what-only-the-two-of-them-know-4711"


class State:
    """What the process knows; one lock is enough for tests."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.lock = threading.Lock()
        self.first_key = _new_key()
        self.stranger = _new_key()
        self.codes: dict[str, dict[str, Any]] = {}
        self.access: dict[str, dict[str, Any]] = {}
        self.seen: list[dict[str, Any]] = []
        self.reset({})

    def reset(self, changes: dict[str, Any]) -> None:
        self.people: dict[str, dict[str, Any]] = changes.get("people", {})
        #: Claims that replace the true ones in ID tokens; None leaves one out.
        self.claims: dict[str, Any] = changes.get("claims", {})
        #: Replaces what the discovery document says.
        self.metadata: dict[str, Any] = changes.get("metadata", {})
        #: true, stranger (a key that isn't ours), none, hs256 (with the public key as secret),
        #: hs256-client (with the client's secret), altered, embedded (brings its own key)
        self.signature: str = changes.get("signature", "true")
        #: Where the claims of scopes are told: token or userinfo
        self.tells_in: str = changes.get("tells_in", "token")
        #: What a path does instead of answering: hang, drip, long, redirect, error, or nonsense.
        self.trouble: dict[str, str] = changes.get("trouble", {})
        #: An algorithm: it signs with a new key, by this one. Else with the key of its start.
        self.algorithm: str = changes.get("new_key", "RS256")
        self.key = _new_key(self.algorithm) if "new_key" in changes else self.first_key

    def id_token(self, grant: dict[str, Any], access: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": grant["nonce"],
            "at_hash": _half_hash(access),
            **(grant["person"] if self.tells_in == "token" else {"sub": grant["person"]["sub"]}),
            **self.claims,
        }
        # A time may be told as so many seconds from now.
        for name in ("iat", "exp", "nbf"):
            if isinstance(claims.get(name), str):
                claims[name] = now + int(claims[name])
        payload = json.dumps({k: v for k, v in claims.items() if v is not None}).encode()
        return self.sign(payload)

    def sign(self, payload: bytes) -> str:
        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.key.kid}
        match self.signature:
            case "none":
                head = base64_of(json.dumps({"alg": "none", "typ": "JWT"}).encode())
                return f"{head}.{base64_of(payload)}."
            case "hs256":
                # As if the public key were a shared secret; libraries refuse to make this.
                head = base64_of(json.dumps({**header, "alg": "HS256"}).encode())
                signed = f"{head}.{base64_of(payload)}"
                mark = hmac.digest(self.key.as_pem(private=False), signed.encode(), "sha256")
                return f"{signed}.{base64_of(mark)}"
            case "hs256-client":
                secret = OctKey.import_key(CLIENT_SECRET)
                return jws.serialize_compact({**header, "alg": "HS256"}, payload, secret, ["HS256"])
            case "stranger":
                return jws.serialize_compact(header, payload, self.stranger, ["RS256"])
            case "embedded":
                own = self.stranger.as_dict(private=False)
                bringing = {**header, "kid": "mine", "jwk": own}
                return jws.serialize_compact(bringing, payload, self.stranger, ["RS256"])
            case "altered":
                token = jws.serialize_compact(header, payload, self.key, [self.algorithm])
                front, _, signature = token.split(".")
                claims = json.loads(payload) | {"sub": "somebody else"}
                return f"{front}.{base64_of(json.dumps(claims).encode())}.{signature}"
        return jws.serialize_compact(header, payload, self.key, [self.algorithm])


def _new_key(algorithm: str = "RS256") -> RSAKey | ECKey:
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
    return RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)


def base64_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _half_hash(text: str) -> str:
    return base64_of(hashlib.sha256(text.encode()).digest()[:16])
