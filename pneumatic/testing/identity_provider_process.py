"""The process of the provider in `identity_provider`: as strict as the standard asks.

It misbehaves exactly as it is told (`POST /control`).
"""

import argparse
import base64
import hashlib
import hmac
import html
import json
import os
import secrets
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT_ID = "pneumatic"
CLIENT_SECRET = "what-only-the-two-of-them-know-4711"
NONSENSE = {"page": b"<p>Not what you asked for", "list": b"[1, 2]", "deep": b"[" * 100_000}
PAGE = """<!doctype html><title>Provider</title>
<link rel="icon" href="data:,"><h1>Example Provider</h1>
<form method="post"><label>Account <input name="login"></label>
<button name="answer" value="yes">Continue</button>
<button name="answer" value="no">Cancel</button></form>"""


class _State:
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
                head = _base64(json.dumps({"alg": "none", "typ": "JWT"}).encode())
                return f"{head}.{_base64(payload)}."
            case "hs256":
                # As if the public key were a shared secret; libraries refuse to make this.
                head = _base64(json.dumps({**header, "alg": "HS256"}).encode())
                signed = f"{head}.{_base64(payload)}"
                mark = hmac.digest(self.key.as_pem(private=False), signed.encode(), "sha256")
                return f"{signed}.{_base64(mark)}"
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
                return f"{front}.{_base64(json.dumps(claims).encode())}.{signature}"
        return jws.serialize_compact(header, payload, self.key, [self.algorithm])


def _new_key(algorithm: str = "RS256") -> RSAKey | ECKey:
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
    return RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _half_hash(text: str) -> str:
    return _base64(hashlib.sha256(text.encode()).digest()[:16])


class _Handler(BaseHTTPRequestHandler):
    state: _State

    def do_GET(self) -> None:
        path, query = self._asked()
        match path:
            case "/realm/.well-known/openid-configuration":
                self._json(200, self._metadata())
            case "/realm/keys":
                self._json(200, {"keys": [self.state.key.as_dict(private=False)]})
            case "/realm/authorize":
                problem = _wrong_with(query)
                self._page(400 if problem else 200, html.escape(problem) if problem else PAGE)
            case "/realm/userinfo":
                bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
                person = self.state.access.get(bearer)
                self._json(200 if person else 401, person or {"error": "invalid_token"})
            case "/seen":
                self._json(200, self.state.seen)
            case _:
                self._json(404, {"error": "not_found"})

    def do_POST(self) -> None:
        path, query = self._asked()
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if path == "/control":
            with self.state.lock:
                self.state.reset(json.loads(body))
            self._json(200, {})
            return
        form = _flat(body.decode())
        if path == "/realm/authorize":
            self._authorize(query, form)
        elif path == "/realm/token":
            # Answered outside the lock: it may take for ever.
            with self.state.lock:
                status, answer = self._token(form)
            self._json(status, answer)
        else:
            self._json(404, {"error": "not_found"})

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return parts.path, _flat(parts.query)

    def _metadata(self) -> dict[str, Any]:
        issuer = self.state.issuer
        known = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "userinfo_endpoint": f"{issuer}/userinfo",
            **self.state.metadata,
        }
        return {name: value for name, value in known.items() if value is not None}

    def _authorize(self, query: dict[str, str], form: dict[str, str]) -> None:
        problem = _wrong_with(query)
        person = self.state.people.get(form.get("login", ""))
        if problem or (person is None and form.get("answer") == "yes"):
            self._page(400, html.escape(problem or "There is no such account."))
            return
        answer = {"state": query["state"], "iss": self.state.issuer}
        if form.get("answer") == "yes":
            code = secrets.token_urlsafe(24)
            self.state.codes[code] = {**query, "person": {"sub": form["login"], **(person or {})}}
            answer["code"] = code
        else:
            answer["error"] = "access_denied"
        self._redirect(303, f"{query['redirect_uri']}?{urlencode(answer)}")

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        name, secret, way = self._client(form)
        # Once: whoever brings a code again gets nothing (OAuth 2.0, 4.1.2).
        grant = self.state.codes.pop(form.get("code", ""), None)
        challenge = _base64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        right = (
            grant is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == grant["redirect_uri"]
            and challenge == grant["code_challenge"]
        )
        self.state.seen.append({"client": name, "way": way, "right": right})
        if (name, secret) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        if grant is None or not right:
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(24)
        self.state.access[access] = grant["person"]
        token = self.state.id_token(grant, access)
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": token}

    def _client(self, form: dict[str, str]) -> tuple[str, str, str]:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            name, _, secret = base64.b64decode(value).decode().partition(":")
            return name, secret, "basic"
        return form.get("client_id", ""), form.get("client_secret", ""), "post"

    def _json(self, status: int, value: Any) -> None:
        self._answer(status, "application/json", json.dumps(value).encode())

    def _page(self, status: int, text: str) -> None:
        self._answer(status, "text/html; charset=utf-8", text.encode())

    def _redirect(self, status: int, address: str) -> None:
        self.send_response(status)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        match self.state.trouble.get(urlsplit(self.path).path):
            case "hang":
                time.sleep(5)
                return
            case "drip":
                self.send_response(200)
                for _ in range(40):
                    self.wfile.write(b"X-Drip: 1\r\n")
                    time.sleep(0.1)
                return
            case "long":
                body = b" " * (2 << 20) + body
            case "redirect":
                self._redirect(302, f"{self.state.issuer}/elsewhere")
                return
            case "error":
                status, body = 503, b"{}"
            case "page" | "list" | "deep" as kind_of_nonsense:
                body = NONSENSE[kind_of_nonsense]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: codes stand in addresses."""


def _flat(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}


def _wrong_with(query: dict[str, str]) -> str:
    """What is wrong with an authorisation request; empty when nothing is."""
    if query.get("client_id") != CLIENT_ID:
        return "This client is not known."
    if query.get("response_type") != "code" or "openid" not in query.get("scope", "").split():
        return "Ask for a code, with the scope openid."
    if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
        return "PKCE with S256 is required."
    if len(query.get("state", "")) < 32 or len(query.get("nonce", "")) < 32:
        return "State and nonce are required."
    back = urlsplit(query.get("redirect_uri", ""))
    if back.hostname not in ("127.0.0.1", "testserver") or back.path != "/sign-on/callback/":
        return "This address is not registered."
    return ""


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("issuer")
    asked = parser.parse_args()
    _Handler.state = _State(asked.issuer)
    server = ThreadingHTTPServer(("127.0.0.1", asked.port), _Handler)
    # Its answers may hang on purpose: nobody waits for them at the end.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()


if __name__ == "__main__":
    _main()
