"""Elastic Beanstalk: names that it knows, hooks that it can run, and nothing secret."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.files import ROOT, known_variables, parsed, text

# Namespace → the options of it that we use, spelled as in Amazon's reference of general options.
# Elastic Beanstalk refuses a deployment with an unknown one, and says so only then.
KNOWN_OPTIONS = {
    "aws:elasticbeanstalk:environment": {"EnvironmentType", "LoadBalancerType"},
    "aws:elasticbeanstalk:environment:proxy": {"ProxyServer"},
    "aws:elasticbeanstalk:environment:process:default": {
        "DeregistrationDelay",
        "HealthCheckInterval",
        "HealthCheckPath",
        "HealthCheckTimeout",
        "HealthyThresholdCount",
        "MatcherHTTPCode",
        "Port",
        "Protocol",
        "StickinessEnabled",
        "UnhealthyThresholdCount",
    },
    "aws:elasticbeanstalk:healthreporting:system": {"SystemType"},
    "aws:elasticbeanstalk:command": {
        "BatchSize",
        "BatchSizeType",
        "DeploymentPolicy",
        "Timeout",
    },
    "aws:autoscaling:updatepolicy:rollingupdate": {"RollingUpdateEnabled", "RollingUpdateType"},
    "aws:autoscaling:asg": {"MinSize", "MaxSize"},
    "aws:elasticbeanstalk:cloudwatch:logs": {"StreamLogs", "DeleteOnTerminate", "RetentionInDays"},
}
ENVIRONMENT = "aws:elasticbeanstalk:application:environment"
CONFIGS = sorted((ROOT / ".ebextensions").glob("*.config"))
HOOKS = sorted((ROOT / ".platform/hooks").glob("*/*"))


def options() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = parsed(".ebextensions/01_environment.config")[
        "option_settings"
    ]
    return found


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_each_file_holds_only_sections_that_the_platform_reads(config: Path) -> None:
    sections = set(parsed(str(config.relative_to(ROOT))))
    assert sections
    assert sections <= {"option_settings", "Resources", "container_commands"}


def test_every_option_is_one_that_the_platform_knows() -> None:
    for namespace, values in options().items():
        if namespace != ENVIRONMENT:
            assert set(values) <= KNOWN_OPTIONS[namespace], namespace


def test_every_value_is_text() -> None:
    # YAML's own true and 080 would arrive as something else.
    for values in options().values():
        assert all(isinstance(value, str) for value in values.values())


def test_it_sets_only_variables_that_the_server_reads_and_no_secret() -> None:
    names = set(options()[ENVIRONMENT])
    assert names <= known_variables()
    assert not names & {"SECRET_KEY", "JWT_SIGNING_KEY", "DATABASE_URL", "REDIS_URL"}


def test_the_balancer_asks_only_whether_the_process_lives() -> None:
    process = options()["aws:elasticbeanstalk:environment:process:default"]
    assert process["HealthCheckPath"] == "/healthz"
    assert process["StickinessEnabled"] == "false"


def test_the_balancer_lets_quiet_sockets_live() -> None:
    balancer = parsed(".ebextensions/02_load_balancer.config")["Resources"]["AWSEBV2LoadBalancer"]
    attributes = {
        each["Key"]: each["Value"] for each in balancer["Properties"]["LoadBalancerAttributes"]
    }
    assert attributes["idle_timeout.timeout_seconds"] == "3600"


def test_one_instance_migrates_and_every_instance_collects_its_files() -> None:
    commands = parsed(".ebextensions/03_release.config")["container_commands"]
    migrate, collect = (commands[name] for name in sorted(commands))
    assert "manage.py migrate" in migrate["command"]
    assert migrate["leader_only"] is True
    assert "manage.py collectstatic" in collect["command"]
    assert "leader_only" not in collect


def test_static_files_are_collected_where_the_server_looks() -> None:
    # The staging folder becomes /var/app/current when the new version takes over.
    commands = parsed(".ebextensions/03_release.config")["container_commands"]
    assert 'STATIC_ROOT="$PWD/staticfiles"' in commands["02_collect_static_files"]["command"]
    assert options()[ENVIRONMENT]["STATIC_ROOT"] == "/var/app/current/staticfiles"


def test_there_are_hooks() -> None:
    assert {hook.parent.name for hook in HOOKS} == {"prebuild", "postdeploy"}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_hook_can_be_run(hook: Path) -> None:
    assert os.access(hook, os.X_OK)
    assert hook.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", hook], check=True)


def test_the_deployment_ends_with_the_question_whether_the_server_is_ready() -> None:
    assert "http://127.0.0.1:8000/readyz" in text(".platform/hooks/postdeploy/10_is_ready.sh")
    assert options()[ENVIRONMENT]["PORT"] == "8000"
