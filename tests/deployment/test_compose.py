"""compose.yaml: a whole server on one machine, from one file of secrets."""

import re

from tests.deployment.files import known_variables, parsed, text

SERVICES = parsed("compose.yaml")["services"]


def test_the_server_waits_for_its_services_and_for_the_migrations() -> None:
    assert SERVICES["app"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }


def test_both_services_are_asked_whether_they_answer() -> None:
    for name in ("postgres", "redis"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_migrations_run_in_one_container_of_the_same_image() -> None:
    assert SERVICES["migrate"]["image"] == SERVICES["app"]["image"]
    assert SERVICES["migrate"]["command"] == ["python", "manage.py", "migrate", "--noinput"]
    assert SERVICES["migrate"]["restart"] == "no"


def test_it_sets_only_variables_that_the_server_reads() -> None:
    assert set(SERVICES["app"]["environment"]) <= known_variables()


def test_every_variable_it_asks_for_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", text("compose.yaml")))
    offered = set(re.findall(r"^([A-Z_]+)=", text(".env.example"), re.MULTILINE))
    assert asked == offered


def test_no_secret_has_a_default() -> None:
    for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert f"${{{name}:?" in text("compose.yaml")
        assert re.search(rf"^{name}=$", text(".env.example"), re.MULTILINE)


def test_only_this_machine_reaches_the_ports() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_server_is_given_time_to_drain() -> None:
    assert int(SERVICES["app"]["stop_grace_period"].removesuffix("s")) >= 30
