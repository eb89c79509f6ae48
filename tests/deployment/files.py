"""Reading the deployment files, and what the server really knows."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
START_COMMAND = "python manage.py serve"


def text(path: str) -> str:
    """The text of a file, by its path from the top of the tree."""
    return (ROOT / path).read_text(encoding="utf-8")


def parsed(path: str) -> Any:
    """A YAML file as Python objects."""
    return yaml.safe_load(text(path))


def known_variables() -> set[str]:
    """The names of all environment variables that the settings read."""
    return set(re.findall(r"env\.\w+\(\s*\"([A-Z][A-Z_]+)\"", text("pneumatic/settings.py")))
