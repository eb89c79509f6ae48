"""Nothing leaks: what people say and what opens their doors is in no log, trace, metric or error.

A real server with everything talkative: DEBUG logs, traces exported to a collector of ours, metrics
open to this machine. Canaries go in through every door; then everything that came out is searched.
"""

import gzip
import json
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from pneumatic.testing.server import ChatServer

PASSWORD = "canary-password-5f1c"
WRONG = "canary-wrong-8ab2"
EMAIL = "canary-mail-77e0@example.org"
BODY = "canary-body-90d4"
TITLE = "canary-title-31bb"
QUERY = "canary-query-c05a"
FORGED = "eyJhbGciOiJIUzI1NiJ9.canary-forged-1d7e.signature"


class Collector(ThreadingHTTPServer):
    """Takes whatever OpenTelemetry exports."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Taking)


class Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert isinstance(self.server, Collector)
        self.server.taken.append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class TalkativeServer(ChatServer):
    def __init__(self, folder: Path, collector: str) -> None:
        super().__init__(folder)
        self._collector = collector

    def _environment(self) -> list[str | Path]:
        return [
            *super()._environment(),
            "LOG_LEVEL=DEBUG",
            "LOG_FORMAT=json",
            "DEBUG=0",
            f"OTEL_EXPORTER_OTLP_ENDPOINT={self._collector}",
            "OTEL_BSP_SCHEDULE_DELAY=100",
            f"EMAIL_URL=file://{self.folder / 'mail'}",
            "EMAIL_VERIFICATION=0",
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(tmp_path: Path, collector: Collector) -> Iterator[TalkativeServer]:
    server = TalkativeServer(tmp_path, f"http://127.0.0.1:{collector.server_port}")
    server.start()
    yield server
    server.stop()


@pytest.mark.timeout(120)
def test_no_canary_comes_out_of_logs_traces_metrics_and_errors(
    server: TalkativeServer, collector: Collector
) -> None:
    answers: list[str] = []
    with httpx.Client(base_url=server.url, timeout=20) as client:
        secrets = _talk(client, server, answers)
        answers.append(client.get("/metrics").text)
        _fail(client, server, secrets[0], answers)
        answers.append(client.get("/metrics").text)
    server.stop()  # which also sends the last spans

    logs = server.log.read_text(encoding="utf-8")
    traces = b"".join(collector.taken).decode("utf-8", "replace")
    # They were all there to be searched.
    assert '"event": "request"' in logs
    assert "request_failed" in logs
    assert "socket.frame" in traces
    assert "pneumatic_frames" in "".join(answers)
    for name, canary in {
        "password": PASSWORD,
        "wrong password": WRONG,
        "e-mail": EMAIL,
        "message": BODY,
        "title": TITLE,
        "query": QUERY,
        "forged token": FORGED,
        **{f"token {index}": secret for index, secret in enumerate(secrets)},
    }.items():
        assert canary not in logs, f"{name} in the logs"
        assert canary not in traces, f"{name} in the traces"
        assert not [text for text in answers if canary in text], f"{name} in an answer"


def _talk(client: httpx.Client, server: TalkativeServer, answers: list[str]) -> list[str]:
    """Say the canaries through every door; returns the tokens that came of it."""
    newcomer = {"username": "canary", "email": EMAIL, "password": PASSWORD}
    pair = client.post("/api/v1/auth/register/", json=newcomer).raise_for_status().json()
    answers.append(client.post("/api/v1/auth/register/", json=newcomer).text)
    signing = client.post(
        "/api/v1/auth/token/", json={"username": EMAIL, "password": PASSWORD, "cookie": True}
    ).raise_for_status()
    cookie = signing.cookies["pn_refresh"]
    answers.append(
        client.post("/api/v1/auth/token/", json={"username": EMAIL, "password": WRONG}).text
    )
    answers.append(client.post("/api/v1/auth/token/refresh/", json={"refresh": FORGED}).text)
    renewed = client.post("/api/v1/auth/token/refresh/", json={"refresh": pair["refresh"]}).json()
    access = renewed["access"]
    bearer = {"Authorization": f"Bearer {access}"}
    answers.append(client.get("/api/v1/users/me/", headers={"Authorization": FORGED}).text)
    answers.append(
        client.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {FORGED}"}).text
    )
    # Addresses that a client could put a secret into by mistake.
    for path in ("/healthz", "/api/v1/users/", "/api/v1/nowhere/", "/"):
        client.get(path, params={"q": QUERY, "token": access}, headers=bearer)
    group = str(uuid.uuid4())
    client.post(
        "/api/v1/conversations/",
        headers=bearer,
        json={"id": group, "kind": "group", "title": TITLE, "members": []},
    ).raise_for_status()
    messages = f"/api/v1/conversations/{group}/messages/"
    sent = {"id": str(uuid.uuid4()), "body": BODY}
    client.post(messages, headers=bearer, json=sent).raise_for_status()
    answers.append(client.post(messages, headers=bearer, json={**sent, "x": BODY}).text)
    answers.append(client.post(messages, headers=bearer, content=f'{{"body": "{BODY}"').text)
    wrong = {"old_password": WRONG, "new_password": PASSWORD}
    answers.append(client.post("/api/v1/auth/password/change/", headers=bearer, json=wrong).text)
    with connect(
        f"ws://127.0.0.1:{server.port}/ws/?token={access}&q={QUERY}",
        subprotocols=[Subprotocol("pneumatic.v1")],
    ) as socket:
        socket.send(json.dumps({"type": "hello", "token": access, "versions": {}}))
        socket.recv(timeout=10)
        frame = {"type": "message.send", "conversation": group}
        socket.send(json.dumps({**frame, "id": str(uuid.uuid4()), "body": BODY}))
        socket.send(json.dumps({**frame, "id": 1, "body": BODY}))
        socket.send(f'{{"type": "{BODY}')
        socket.send(json.dumps({"type": "auth", "token": FORGED}))
        socket.send(json.dumps({"type": "ping", "ref": "last"}))
        while '"last"' not in (text := str(socket.recv(timeout=10))):
            if '"error"' in text:
                answers.append(text)
    with connect(
        f"ws://127.0.0.1:{server.port}/ws/", subprotocols=[Subprotocol("pneumatic.v1")]
    ) as socket:
        socket.send(json.dumps({"type": "hello", "token": FORGED}))
    tokens = [access, pair["access"], pair["refresh"], renewed["refresh"], cookie]
    return [*tokens, *_doors_of_the_account(client, server, bearer, answers)]


def _doors_of_the_account(
    client: httpx.Client, server: TalkativeServer, bearer: dict[str, str], answers: list[str]
) -> list[str]:
    """Reset a password, add a second factor, be refused and guess; the secrets that came of it."""
    auth = "/api/v1/auth/"

    def post(path: str, body: dict[str, str], **more: Any) -> httpx.Response:
        return client.post(f"{auth}{path}", json=body, headers={**bearer, **more})

    assert post("password/reset/", {"email": EMAIL}).status_code == 202
    letters = server.folder / "mail"
    for _ in range(500):
        found = [re.search(r"/reset#(\S+)", file.read_text()) for file in letters.glob("*")]
        if link := next(filter(None, found), None):
            break
        time.sleep(0.02)
    else:
        raise AssertionError("no mail came")
    wrong = {"token": link[1], "new_password": "short"}
    answers.append(post("password/reset/confirm/", wrong).text)
    answers.append(post("email/verify/", {"token": link[1], "password": WRONG}).text)
    secret = post("second-factor/", {"password": PASSWORD}).raise_for_status().json()["secret"]
    answers.append(post("second-factor/", {"password": WRONG}).text)
    answers.append(post("second-factor/confirm/", {"code": "000000"}).text)
    code = {"code": pyotp.TOTP(secret).now()}
    codes = post("second-factor/confirm/", code).raise_for_status().json()["recovery_codes"]
    signing = {"username": EMAIL, "password": PASSWORD}
    answers.append(post("token/", signing).text)
    answers.append(post("token/", {**signing, "code": codes[0] + "x"}).text)
    answers.append(post("second-factor/disable/", {"password": WRONG, "code": codes[0]}).text)
    answers.append(post("second-factor/setup/", signing).text)
    answers.append(post("register/", {**signing, "email": EMAIL, "invitation": link[1][:60]}).text)
    answers.append(client.get(f"{auth}sessions/", headers=bearer).text)
    form = {"username": EMAIL, "password": WRONG, "code": codes[0]}
    for page in ("/admin/login/", "/api/v1/sign-in/login/"):
        cross = client.get(page).cookies["csrftoken"]
        answer = client.post(page, data={**form, "csrfmiddlewaretoken": cross})
        # The name is in its field again; nothing else is.
        answers.append(answer.text.replace(EMAIL, ""))
    return [link[1], secret, *codes]


def _fail(client: httpx.Client, server: TalkativeServer, access: str, answers: list[str]) -> None:
    """Take a table away from under the server: whatever it does now breaks in the middle."""
    with sqlite3.connect(server.folder / "data" / "pneumatic.sqlite3", timeout=20) as database:
        database.execute("ALTER TABLE chat_message RENAME TO gone")
        found = database.execute("SELECT id FROM chat_conversation WHERE title = ?", [TITLE])
        [(conversation,)] = found.fetchall()
    database.close()
    bearer = {"Authorization": f"Bearer {access}"}
    path = f"/api/v1/conversations/{uuid.UUID(conversation)}/messages/"
    for id in (uuid.uuid4(), uuid.uuid4()):
        sent = client.post(path, headers=bearer, json={"id": str(id), "body": BODY})
        assert sent.status_code >= 500
        assert "chat_message" not in sent.text
        assert "Traceback" not in sent.text
        answers.append(sent.text)
    page = client.get(path, headers={**bearer, "Accept": "text/html"})
    assert page.status_code >= 500
    assert "chat_message" not in page.text
    assert str(server.folder) not in page.text
