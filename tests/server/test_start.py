"""A start imports nothing of what is switched off: each library costs every process its time."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

#: With the whole of what serves: sockets, and every address of REST and pages.
_START = "import pneumatic.asgi, pneumatic.urls, sys; print(*sys.modules)"
#: Libraries, by the setting without which nobody needs them; Daphne is for `runserver` alone.
_OPTIONAL = {
    "": {"daphne", "autobahn", "PIL"},
    "OTEL_EXPORTER_OTLP_ENDPOINT": {"opentelemetry"},
    "OIDC_ISSUER": {"authlib", "joserfc"},
    "REDIS_URL": {"redis", "channels_redis"},
}


@pytest.mark.once
def test_what_is_switched_off_is_not_imported() -> None:
    switched = (*_OPTIONAL, "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if name not in switched}
    started = subprocess.run(
        [sys.executable, "-c", _START],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {name.partition(".")[0] for name in started.stdout.split()}
    assert {"chat", "accounts", "rest_framework"} <= imported
    for setting, libraries in _OPTIONAL.items():
        assert not imported & libraries, setting
