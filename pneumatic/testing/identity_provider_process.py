"""The process of the provider in `identity_provider`: as strict as the standard asks.

It misbehaves exactly as it is told (`POST /control`).
"""

import argparse
import base64
import hashlib
import html
import json
import os
import secrets
import signal
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from pneumatic.testing.identity_provider_state import (
    CLIENT_ID,
    CLIENT_SECRET,
    State,
    base64_of,
)

NONSENSE = {"page": b"<p>Not what you asked for", "list": b"[1, 2]", "deep": b"[" * 100_000}
PAGE = """<!doctype html><title>Provider</title>
<link rel="icon" href="data:,"><h1>Example Provider</h1>
<form method="post"><label>Account <input name="login"></label>
<button name="answer" value="yes">Continue</button>
<button name="answer" value="no">Cancel</button></form>"""


class _Handler(BaseHTTPRequestHandler):
    state: State

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
        challenge = base64_of(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
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
    _Handler.state = State(asked.issuer)
    server = ThreadingHTTPServer(("127.0.0.1", asked.port), _Handler)
    # Its answers may hang on purpose: nobody waits for them at the end.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()


if __name__ == "__main__":
    _main()
