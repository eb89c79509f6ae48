"""The container image: small, without root, without secrets, and with all that it runs."""

import ast
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.deployment.files import ROOT, known_variables, text

DOCKERFILE = text("Dockerfile")
BUILD, RUN = DOCKERFILE.rsplit("\nFROM ", maxsplit=1)


def ignored(path: str) -> bool:
    patterns = [
        line.removeprefix("**/")
        for line in text(".dockerignore").splitlines()
        if line and not line.startswith("#")
    ]
    parts = path.split("/")
    prefixes = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return any(fnmatch(prefix, pattern) for pattern in patterns for prefix in prefixes)


def test_every_package_is_installed_with_its_hash_checked() -> None:
    assert BUILD.count("--require-hashes") == 2
    assert not re.search(r"\b(apt-get|curl|wget)\b", DOCKERFILE)


def test_it_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\S+)$", RUN, re.MULTILINE) == ["10001:10001"]


def test_it_is_asked_whether_it_lives() -> None:
    assert "HEALTHCHECK" in RUN
    assert "/healthz" in RUN


def shipped() -> list[Path]:
    """The modules of ours that are in the image."""
    found = [
        path
        for app in ("accounts", "chat", "pneumatic")
        for path in (ROOT / app).rglob("*.py")
        if not ignored(str(path.relative_to(ROOT))) and "tests" not in path.parts
    ]
    assert len(found) > 100
    return found


def imported_by(path: Path) -> Iterator[str]:
    """Whatever a module imports, also in its functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_it_has_everything_that_its_code_imports() -> None:
    locked = set(re.findall(r"^([\w.-]+)==", text("requirements.txt"), re.MULTILINE))
    provided = {
        package
        for package, names in packages_distributions().items()
        if any(re.sub(r"[-_.]+", "-", name).lower() in locked for name in names)
    }
    for path in shipped():
        for name in imported_by(path):
            package = name.split(".")[0]
            if package in {"accounts", "chat", "pneumatic"}:
                assert not ignored(name.replace(".", "/")), f"{path} imports {name}"
            elif package not in sys.stdlib_module_names:
                assert package in provided, f"{path} imports {name}"


def test_no_secret_stays_in_a_layer() -> None:
    assert not re.search(r"^(ENV|ARG).*(KEY|TOKEN|PASSWORD)", DOCKERFILE, re.MULTILINE)


def test_it_sets_only_variables_that_the_server_reads() -> None:
    environment = RUN.partition("\nENV ")[2].partition("\nUSER")[0]
    names = set(re.findall(r"\b([A-Z][A-Z_]+)=", environment))
    of_python = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    assert names - of_python <= known_variables()


@pytest.mark.parametrize(
    "needed",
    [
        "manage.py",
        "requirements.txt",
        "requirements-uv.txt",
        "accounts/models/user.py",
        "chat/protocol/",
        "pneumatic/settings.py",
        "static",
        "templates",
    ],
)
def test_what_it_needs_is_not_kept_out(needed: str) -> None:
    assert not ignored(needed)
    assert (ROOT / needed).exists()


@pytest.mark.parametrize("private", [".git", ".env", ".env.local", "var", "tests", "chat/tests"])
def test_what_is_private_or_for_tests_stays_outside(private: str) -> None:
    name = private.rsplit("/", maxsplit=1)[-1]
    assert ignored(private) or ignored(name)
