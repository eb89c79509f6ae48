"""No command prints a key or a password."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pneumatic.settings import BASE_DIR

SECRETS = {
    "SECRET_KEY": "secretKEY-0123456789-abcdefghijklmnop",
    "SECRET_KEY_FALLBACKS": "formerKEY-0123456789-abcdefghijklmnop",
    "JWT_SIGNING_KEY": "tokensKEY-0123456789-abcdefghijklmnop",
    "METRICS_TOKEN": "metrics-0123456789-abcdefghijklmnop",
    "OIDC_CLIENT_SECRET": "provider-0123456789-abcdefghijklmnop",
}
IN_ADDRESSES = {
    "DATABASE_URL": ("postgres://u:{}@127.0.0.1:1/x", "in-the-database"),
    "REDIS_URL": ("redis://:{}@127.0.0.1:1/0", "in-redis"),
    "EMAIL_URL": ("smtp://u:{}@127.0.0.1:1", "in-mail"),
}


@pytest.mark.parametrize(
    "command",
    [
        ("diffsettings",),
        ("diffsettings", "--all"),
        ("diffsettings", "--output", "unified"),
        ("check", "--deploy"),
        ("serve",),
    ],
    ids=" ".join,
)
def test_no_command_prints_a_secret(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "PNEUMATIC_ENV": "production",
            "PNEUMATIC_DATA_DIR": str(tmp_path),
            "OIDC_ISSUER": "https://id.example.org",
            "OIDC_CLIENT_ID": "chat",
            **SECRETS,
            **{name: address.format(secret) for name, (address, secret) in IN_ADDRESSES.items()},
        },
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    said = done.stdout + done.stderr
    assert said
    if command[0] == "diffsettings":
        assert done.returncode == 0, said
        assert "127.0.0.1:1" in said
    for secret in [*SECRETS.values(), *(secret for _, secret in IN_ADDRESSES.values())]:
        assert secret not in said
