"""Readers of environment variables; what each setting means is in docs/configuration.md."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pneumatic.lib.config import env
from pneumatic.settings import BASE_DIR

NAME = "OIDC_ISSUER"


@pytest.mark.parametrize("value", ["https://id.example.org", "https://id.example.org:8443/o/chat/"])
def test_an_issuer_is_read_letter_by_letter(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    assert env.issuer(NAME, insecure=False) == value


@pytest.mark.parametrize(
    "value",
    [
        "http://id.example.org",
        "id.example.org",
        "https://",
        "https://id.example.org?tenant=1",
        "https://id.example.org#here",
        "https://user:password@id.example.org",
        f"https://id.example.org/{'x' * 255}",
        "https://[::1",
    ],
)
def test_what_is_no_issuer_stops_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(env.BadSetting, match=NAME):
        env.issuer(NAME, insecure=False)


def test_a_developers_provider_needs_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "http://localhost:9000/realm")
    assert env.issuer(NAME, insecure=True) == "http://localhost:9000/realm"


def _check(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` with these variables."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "pneumatic.settings",
            "PNEUMATIC_ENV": "development",
            "PNEUMATIC_DATA_DIR": str(folder),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def test_a_provider_without_a_client_stops_the_start(tmp_path: Path) -> None:
    done = _check(
        tmp_path,
        OIDC_ISSUER="https://id.example.org",
        OIDC_CLIENT_ID="chat",
        OIDC_CLIENT_SECRET="",
    )
    assert done.returncode != 0
    assert "OIDC_CLIENT_SECRET" in done.stderr


@pytest.mark.parametrize("minutes", ["4", "16", "60"])
def test_access_tokens_that_live_too_short_or_too_long_stop_the_start(
    tmp_path: Path, minutes: str
) -> None:
    done = _check(tmp_path, ACCESS_TOKEN_MINUTES=minutes)
    assert done.returncode != 0
    assert f"ACCESS_TOKEN_MINUTES: {minutes} is not between 5 and 15" in done.stderr
