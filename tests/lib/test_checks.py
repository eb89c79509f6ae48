import pytest
from django.core.checks import CheckMessage, run_checks
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from pneumatic import checks

STRONG, ALSO_STRONG = (
    "k3yZ" * 3 + "-abcdefghijklmnopqrstuvwxyz",
    "Another-0123456789-qwertyuiopasdf",
)


@pytest.fixture
def production(settings: Settings) -> Settings:
    """A deployment without mistakes."""
    settings.PRODUCTION, settings.DEBUG = True, False
    settings.SECRET_KEY, settings.JWT_SIGNING_KEYS = STRONG, [ALSO_STRONG]
    settings.METRICS_TOKEN = ""
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.ALLOWED_ORIGINS = ["https://chat.example.org"]
    settings.HTTPS, settings.TRUSTED_PROXIES = True, 1
    settings.PROCESSES, settings.REDIS_URL = 2, "rediss://:password@redis.example.org"
    return settings


def _found() -> list[CheckMessage]:
    return [message for check in checks.ALL for message in check()]


def test_a_good_deployment_passes(production: Settings) -> None:
    assert _found() == []


def test_development_passes_as_it_is(settings: Settings) -> None:
    settings.PRODUCTION = False
    assert _found() == []


@pytest.mark.parametrize(
    ("mistake", "id"),
    [
        ({"DEBUG": True}, "E001"),
        ({"SECRET_KEY": "short"}, "E002"),
        ({"SECRET_KEY": "a" * 60}, "E002"),
        ({"SECRET_KEY": f"django-insecure-{STRONG}"}, "E002"),
        ({"JWT_SIGNING_KEYS": [STRONG]}, "E003"),
        ({"JWT_SIGNING_KEYS": [ALSO_STRONG, STRONG]}, "E003"),
        ({"JWT_SIGNING_KEYS": ["Sh0rt-but-varied-0123456789"]}, "E004"),
        ({"JWT_SIGNING_KEYS": [ALSO_STRONG, "Sh0rt-but-varied-0123456789"]}, "E004"),
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
    ],
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


def test_one_process_needs_no_redis(production: Settings) -> None:
    production.PROCESSES, production.REDIS_URL = 1, ""
    assert _found() == []


@pytest.mark.parametrize("url", ["redis://127.0.0.1/0", "redis://localhost", "unix:///run/redis"])
def test_a_redis_on_this_machine_needs_no_password(production: Settings, url: str) -> None:
    production.REDIS_URL = url
    assert _found() == []


def test_the_checks_run_with_every_command() -> None:
    assert set(checks.ALL) <= set(registry.get_checks())
    assert not [each for each in run_checks() if (each.id or "").startswith("pneumatic.E")]


def test_a_server_does_not_start_on_an_error_and_says_every_one(production: Settings) -> None:
    checks.stop_on_errors()
    production.TRUSTED_PROXIES = 0
    checks.stop_on_errors()
    production.DEBUG, production.REDIS_URL = True, ""
    with pytest.raises(ImproperlyConfigured, match=r"(?s)E001.*own world.*E005|E001.*E005"):
        checks.stop_on_errors()
