import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import CheckMessage, run_checks
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from pneumatic import checks
from pneumatic.settings import BASE_DIR

STRONG, ALSO_STRONG = (
    "k3yZ" * 3 + "-abcdefghijklmnopqrstuvwxyz",
    "Another-0123456789-qwertyuiopasdf",
)


@pytest.fixture
def production(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A deployment without mistakes."""
    settings.PRODUCTION, settings.DEBUG = True, False
    settings.SECRET_KEY, settings.JWT_SIGNING_KEYS = STRONG, [ALSO_STRONG]
    settings.METRICS_TOKEN = ""
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.ALLOWED_ORIGINS = ["https://chat.example.org"]
    settings.HTTPS, settings.TRUSTED_PROXIES = True, 1
    settings.ENVIRONMENT = "production"
    settings.PROCESSES, settings.REDIS_URL = 2, "rediss://:password@redis.example.org"
    settings.ON_SQLITE = False
    monkeypatch.setattr(checks.network, "_database", lambda: {"HOST": "", "OPTIONS": {}})
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.REQUIRE_SECOND_FACTOR = "staff"
    # Tests run without limits, and with cheap hashes.
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 60, 1000
    settings.ANONYMOUS_ATTEMPTS_PER_MINUTE = settings.SOCKET_COMMANDS_PER_MINUTE = 20
    settings.SOCKETS_PER_PROCESS = settings.SOCKETS_PER_USER = settings.SOCKETS_PER_ADDRESS = 20
    settings.CONVERSATIONS_PER_DAY = settings.MEMBERS_PER_DAY = 200
    settings.ARGON2_TIME_COST, settings.ARGON2_MEMORY_KIB = 2, 19_456
    return settings


def _found() -> list[CheckMessage]:
    return [message for check in (*checks.ALL, *checks.DEPLOYING) for message in check()]


def test_a_good_deployment_passes(production: Settings) -> None:
    assert _found() == []


def test_development_passes_as_it_is(settings: Settings) -> None:
    settings.PRODUCTION = False
    assert [message for check in checks.ALL for message in check()] == []


# In a file of their own: they depend on each other.
ELSEWHERE = ("E020", "E021", "E022")
MISTAKES: list[tuple[dict[str, object], str]] = [
    ({"DEBUG": True}, "E001"),
    ({"SECRET_KEY": "short"}, "E002"),
    ({"SECRET_KEY": "a" * 60}, "E002"),
    ({"SECRET_KEY": f"django-insecure-{STRONG}"}, "E002"),
    ({"SECRET_KEY_FALLBACKS": ["short"]}, "E002"),
    ({"JWT_SIGNING_KEYS": [STRONG]}, "E003"),
    ({"SECRET_KEY_FALLBACKS": [ALSO_STRONG]}, "E003"),
    ({"JWT_SIGNING_KEYS": ["Sh0rt-but-varied-0123456789"]}, "E004"),
    ({"JWT_SIGNING_KEYS": ["changeme" + ALSO_STRONG]}, "E004"),
    ({"REDIS_URL": ""}, "E005"),
    ({"ALLOWED_HOSTS": ["*"]}, "E006"),
    ({"ALLOWED_HOSTS": []}, "E006"),
    ({"ALLOWED_ORIGINS": ["chat.example.org"]}, "E007"),
    ({"ALLOWED_ORIGINS": ["https://chat.example.org/"]}, "E007"),
    ({"ALLOWED_ORIGINS": ["https://*.example.org"]}, "E007"),
    ({"METRICS_TOKEN": "guess"}, "E008"),
    ({"HTTPS": False}, "W001"),
    ({"TRUSTED_PROXIES": 0}, "W002"),
    ({"REDIS_URL": "redis://redis.example.org"}, "W003"),
    ({"PRODUCTION": False, "ENVIRONMENT": "development"}, "E009"),
    ({"SESSION_COOKIE_SECURE": False}, "E010"),
    ({"CSRF_COOKIE_SECURE": False}, "E010"),
    ({"SESSION_COOKIE_HTTPONLY": False}, "E010"),
    ({"SECURE_SSL_REDIRECT": False}, "E011"),
    ({"SECURE_HSTS_SECONDS": 0}, "E011"),
    ({"ON_SQLITE": True}, "E012"),
    ({"REQUIRE_SECOND_FACTOR": "nobody"}, "W010"),
    ({"RATE_LIMIT_PER_MINUTE": 0}, "W011"),
    ({"RATE_LIMIT_PER_HOUR": 0}, "W011"),
    ({"ANONYMOUS_ATTEMPTS_PER_MINUTE": 0}, "W011"),
    ({"SOCKET_COMMANDS_PER_MINUTE": 0}, "W011"),
    ({"SOCKETS_PER_PROCESS": 0}, "W011"),
    ({"SOCKETS_PER_USER": 0}, "W011"),
    ({"SOCKETS_PER_ADDRESS": 0}, "W011"),
    ({"CONVERSATIONS_PER_DAY": 0}, "W011"),
    ({"MEMBERS_PER_DAY": 0}, "W011"),
    ({"ARGON2_MEMORY_KIB": 19_455}, "W012"),
    ({"ARGON2_TIME_COST": 1}, "W012"),
]


@pytest.mark.parametrize(
    ("mistake", "id"),
    MISTAKES,
)
def test_each_mistake_has_its_id_and_a_hint(
    production: Settings, mistake: dict[str, object], id: str
) -> None:
    for name, value in mistake.items():
        setattr(production, name, value)
    [message] = _found()
    assert message.id == f"pneumatic.{id}"
    assert message.hint
    assert message.is_serious() == id.startswith("E")


def test_every_check_has_a_mistake_that_it_finds() -> None:
    files = Path(str(checks.__file__)).parent.glob("*.py")
    source = "\n".join(each.read_text(encoding="utf-8") for each in files)
    ids = set(re.findall(r'id="pneumatic\.(\w+)"', source))
    assert ids == {id for _, id in MISTAKES} | {"W004", "W005", *ELSEWHERE}


@pytest.mark.parametrize("id", sorted({id for _, id in MISTAKES} | {"W004", "W005"}))
def test_the_configuration_page_says_how_to_mend_it(id: str) -> None:
    page = (BASE_DIR / "docs/configuration.md").read_text("utf-8")
    [row] = re.findall(rf"^\| `pneumatic\.{id}` \| (.+) \| (.+) \|$", page, re.MULTILINE)
    assert all(len(cell) > 5 for cell in row)


@pytest.mark.parametrize(
    ("host", "mode", "id"),
    [
        *((host, "disable", None) for host in ("", "localhost", "::1", "/run/postgresql")),
        *(("db.example.org", mode, None) for mode in ("require", "verify-ca", "verify-full")),
        *(("db.example.org", mode, "W004") for mode in ("disable", "allow", "prefer")),
        ("10.0.0.7", "prefer", "W004"),
    ],
)
def test_a_postgres_on_another_machine_needs_tls_w004(
    production: Settings, monkeypatch: pytest.MonkeyPatch, host: str, mode: str, id: str | None
) -> None:
    database = {"HOST": host, "OPTIONS": {"sslmode": mode}}
    monkeypatch.setattr(checks.network, "_database", lambda: database)
    assert [each.id for each in _found()] == ([f"pneumatic.{id}"] if id else [])
    assert all(each.hint and not each.is_serious() for each in _found())


#: What a laptop's settings are told before they face the internet.
LAPTOP = {"pneumatic.E009", "pneumatic.E010", "pneumatic.E011"}


def test_check_deploy_ends_with_an_error_on_the_settings_of_a_laptop(tmp_path: Path) -> None:
    """As an operator runs it: the real command, in a process of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, "PNEUMATIC_DATA_DIR": str(tmp_path)}
    done = _check_deploy(environment)
    assert done.returncode == 1
    assert set(re.findall(r"pneumatic\.E\d+", done.stderr)) == LAPTOP


def test_check_deploy_is_content_with_a_good_deployment(tmp_path: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {
        **kept,
        "PNEUMATIC_ENV": "production",
        "PNEUMATIC_DATA_DIR": str(tmp_path),
        "SECRET_KEY": STRONG + ALSO_STRONG,
        "JWT_SIGNING_KEY": ALSO_STRONG,
        "ALLOWED_HOSTS": "chat.example.org",
        "TRUSTED_PROXIES": "1",
    }
    done = _check_deploy(environment, "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def _check_deploy(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.parametrize(("time", "kib"), [(1, 47_104), (2, 65_536), (3, 12_288), (9, 7_168)])
def test_less_memory_is_made_up_for_by_more_time_and_the_reverse(
    production: Settings, time: int, kib: int
) -> None:
    production.ARGON2_TIME_COST, production.ARGON2_MEMORY_KIB = time, kib
    assert _found() == []


def test_one_process_needs_no_redis(production: Settings) -> None:
    production.PROCESSES, production.REDIS_URL = 1, ""
    assert _found() == []


@pytest.mark.parametrize("url", ["redis://127.0.0.1/0", "redis://localhost", "unix:///run/redis"])
def test_a_redis_on_this_machine_needs_no_password(production: Settings, url: str) -> None:
    production.REDIS_URL = url
    assert _found() == []


def test_the_checks_run_with_every_command() -> None:
    assert set(checks.ALL) <= set(registry.get_checks())
    assert not set(checks.DEPLOYING) & set(registry.get_checks())
    assert set(checks.DEPLOYING) <= set(registry.get_checks(include_deployment_checks=True))
    assert not [each for each in run_checks() if (each.id or "").startswith("pneumatic.E")]


def test_a_server_does_not_start_on_an_error_and_says_every_one(production: Settings) -> None:
    checks.stop_on_errors()
    production.TRUSTED_PROXIES = 0
    checks.stop_on_errors()
    production.DEBUG, production.REDIS_URL = True, ""
    with pytest.raises(ImproperlyConfigured, match=r"(?s)E001.*own world.*E005|E001.*E005"):
        checks.stop_on_errors()
