import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.conf import settings

from pneumatic.lib import tracing


def _run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {"DJANGO_SETTINGS_MODULE": "pneumatic.settings", "PNEUMATIC_ENV": "test"}
        | environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_when_off_nothing_is_instrumented_or_exported() -> None:
    assert "0 modules" in _run(
        """
import sys
from pneumatic.lib import tracing
assert tracing.configure() is None
with tracing.span("frame", kind="ping"):
    pass
import django; django.setup()
from django.core.asgi import get_asgi_application; get_asgi_application()
from pneumatic import urls
used = ("opentelemetry.instrumentation", "opentelemetry.exporter")  # redis-py imports the rest
print(sum(name.startswith(used) for name in sys.modules), "modules")
""",
        OTEL_EXPORTER_OTLP_ENDPOINT="",
    )


def test_when_off_a_span_lets_errors_through() -> None:
    with pytest.raises(ValueError, match="mine"), tracing.span("frame"):
        raise ValueError("mine")


class _Collector(HTTPServer):
    received: list[tuple[str, bytes]]


@pytest.fixture
def collector() -> Iterator[_Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert isinstance(self.server, _Collector)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.received.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = _Collector(("127.0.0.1", 0), Handler)
    server.received = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_when_on_requests_and_frames_are_exported(collector: _Collector) -> None:
    _run(
        """
import django; django.setup()
from pneumatic.lib import tracing
provider = tracing.configure()
from django.test import Client
assert Client().get("/sign-in?secret=canary").status_code == 200
assert Client().get("/healthz").status_code == 200
with tracing.span("frame", kind="message.send"):
    pass
provider.shutdown()
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}/",
        OTEL_EXPORTER_OTLP_COMPRESSION="none",
    )
    assert {path for path, _ in collector.received} == {"/v1/traces"}
    sent = b"".join(body for _, body in collector.received)
    for expected in (b"pneumatic-chat", b"message.send", b"sign-in"):
        assert expected in sent
    assert b"healthz" not in sent
