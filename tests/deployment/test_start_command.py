"""However the server is deployed, it starts the same way."""

import re

from tests.deployment.files import START_COMMAND, parsed, text


def test_the_procfile_starts_the_production_server() -> None:
    assert text("Procfile") == f"web: {START_COMMAND}\n"


def test_the_image_starts_the_production_server() -> None:
    commands = re.findall(r"^CMD (.+)$", text("Dockerfile"), re.MULTILINE)
    assert commands == ['["python", "manage.py", "serve"]']


def test_compose_runs_what_the_image_says() -> None:
    app = parsed("compose.yaml")["services"]["app"]
    assert "command" not in app
    assert "entrypoint" not in app


def test_make_serve_starts_the_production_server() -> None:
    recipe = text("Makefile").partition("\nserve:")[2].splitlines()[1]
    assert recipe.strip() == "@exec $(PY) manage.py serve"


def test_elastic_beanstalk_has_no_start_command_beside_the_procfile() -> None:
    options = parsed(".ebextensions/01_environment.config")["option_settings"]
    assert "aws:elasticbeanstalk:container:python" not in options
