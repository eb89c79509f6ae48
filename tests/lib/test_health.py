import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from pytest_django import Settings
from structlog.testing import capture_logs

from pneumatic.lib import health
from pneumatic.lib.shared import redisscript

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    health.reset()
    redisscript.reset()
    yield
    health.reset()
    redisscript.reset()


def _ready(client: Client) -> tuple[int, Any]:
    response = client.get("/readyz")
    assert response["Cache-Control"] == "no-store"
    return response.status_code, json.loads(response.content)


def test_a_healthy_process_says_so_with_each_latency(client: Client) -> None:
    status, body = _ready(client)
    assert (status, body["status"]) == (200, "ok")
    assert body["checks"].keys() == {"database", "migrations", "channel_layer"}
    for check in body["checks"].values():
        assert check["ok"] is True
        assert check["ms"] >= 0


def test_strangers_are_told_no_more_than_the_status(client: Client, settings: Settings) -> None:
    through_a_proxy = client.get("/readyz", headers={"X-Forwarded-For": "127.0.0.1"})
    from_elsewhere = client.get("/readyz", REMOTE_ADDR="203.0.113.5")
    settings.METRICS_TOKEN = "a long enough token"
    without_token = client.get("/readyz")
    for response in (through_a_proxy, from_elsewhere, without_token):
        assert json.loads(response.content) == {"status": "ok"}
    trusted = client.get("/readyz", headers={"Authorization": "Bearer a long enough token"})
    assert "checks" in json.loads(trusted.content)


def test_without_the_database_no_traffic_please(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OperationalError("host db.internal refused")

    monkeypatch.setattr(health, "_database", fail)
    with capture_logs() as lines:
        status, body = _ready(client)
    assert (status, body["status"]) == (503, "unavailable")
    assert body["checks"]["database"] == {"ok": False, "ms": None}
    assert "internal" not in json.dumps(body)
    assert "db.internal" in str(lines)


def test_with_migrations_missing_no_traffic_please(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(MigrationExecutor, "migration_plan", lambda *_: ["0002_more"])
        status, body = _ready(client)
    assert (status, body["checks"]["migrations"]["ok"]) == (503, False)
    assert _ready(client)[0] == 200, "asked again until they are complete"


def test_complete_migrations_are_not_counted_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _ready(client)[0] == 200
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: ["never asked"])
    assert _ready(client)[0] == 200


def test_without_the_channel_layer_it_is_degraded_but_takes_messages(
    client: Client, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    status, body = _ready(client)
    assert (status, body["status"]) == (200, "degraded")
    assert body["checks"]["channel_layer"]["ok"] is False


def test_with_redis_the_channel_layer_is_fine(client: Client, redis_url: str) -> None:
    assert _ready(client)[1]["checks"]["channel_layer"]["ok"] is True


def test_a_draining_process_is_up_but_wants_no_traffic(client: Client) -> None:
    health.start_draining()
    status, body = _ready(client)
    assert (status, body["status"]) == (503, "draining")
    assert client.get("/healthz").status_code == 200


def test_a_check_that_hangs_is_not_waited_for_nor_doubled(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, calls = threading.Event(), []

    def hang() -> None:
        calls.append(1)
        release.wait(10)

    monkeypatch.setattr(health, "TIMEOUT", 0.05)
    monkeypatch.setattr(health, "_layer", hang)
    try:
        for _ in range(5):
            assert _ready(client)[1]["checks"]["channel_layer"]["ok"] is False
        assert len(calls) == 1
    finally:
        release.set()
        health._running["channel_layer"].result(5)
