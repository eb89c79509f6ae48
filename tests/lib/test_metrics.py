import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as project
from django.test import Client
from pytest_django import Settings

from chat import metrics


def test_this_machine_may_read_them(client: Client) -> None:
    metrics.MESSAGES.labels("test").inc()
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    text = response.content.decode()
    assert 'pneumatic_messages_total{door="test"}' in text
    assert "django_http_requests_total" in text


@pytest.mark.parametrize(
    "name",
    [
        "pneumatic_sockets",
        "pneumatic_messages_total",
        "pneumatic_delivery_seconds",
        "pneumatic_deliveries_total",
        "pneumatic_sync_total",
        "pneumatic_rate_limited_total",
        "pneumatic_frames_total",
        "pneumatic_socket_closes_total",
    ],
)
def test_each_metric_is_there_from_the_start(client: Client, name: str) -> None:
    text = client.get("/metrics").content.decode()
    assert f"# TYPE {name} " in text


@pytest.mark.parametrize(
    "extra",
    [
        {"REMOTE_ADDR": "192.0.2.1"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_X_REAL_IP": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
    ],
)
def test_for_anyone_else_the_page_is_not_there(client: Client, extra: dict[str, str]) -> None:
    assert client.get("/metrics", **extra).status_code == 404  # type: ignore[arg-type]


def test_a_token_opens_them_and_nothing_else_then(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "let-me-in"
    assert client.get("/metrics").status_code == 404
    for wrong in ("Bearer let-me-inn", "Basic let-me-in", "Bearer ", "let-me-in", "Bearer é"):
        assert client.get("/metrics", headers={"authorization": wrong}).status_code == 404
    right = {"authorization": "Bearer let-me-in"}
    assert client.get("/metrics", headers=right, REMOTE_ADDR="192.0.2.1").status_code == 200


_WORKER = """
import django; django.setup()
from chat import metrics
metrics.SOCKETS.inc(2)
metrics.MESSAGES.labels("test").inc(3)
"""
_READER = (
    _WORKER
    + """
from django.test import RequestFactory
from pneumatic.lib.metrics import exposition
print(exposition(RequestFactory().get("/metrics")).content.decode())
"""
)


def test_processes_are_counted_together(tmp_path: Path) -> None:
    environment = os.environ | {
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "pneumatic.settings",
        "PNEUMATIC_ENV": "test",
    }
    texts = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            cwd=project.BASE_DIR,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for code in (_WORKER, _READER)
    ]
    assert 'pneumatic_messages_total{door="test"} 6.0' in texts[1]
    assert "pneumatic_sockets 4.0" in texts[1]
