"""The bill of materials names all that runs, and nothing else."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from django.conf import settings

from scripts import write_sbom

BASE = Path(settings.BASE_DIR)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("sbom") / "new" / "sbom.cdx.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["write_sbom", str(file)])
        write_sbom.main()
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bill(text: str) -> Any:
    return json.loads(text)


def test_it_is_cyclonedx(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_has_every_locked_package_with_its_hashes_and_every_vendored_module(bill: Any) -> None:
    lock = (BASE / "requirements.txt").read_text(encoding="utf-8")
    vendored = (BASE / "static/vendor/VERSIONS").read_text(encoding="utf-8")
    expected = re.findall(r"^([\w.-]+)==([^ ;]+)", lock, re.MULTILINE)
    expected += [tuple(line.split(" ")[:2]) for line in vendored.splitlines()]
    found = [
        ("/".join(filter(None, (each.get("group"), each["name"]))), each["version"])
        for each in bill["components"]
    ]
    assert sorted(found) == sorted(expected)
    hashes = [each["content"] for one in bill["components"] for each in one.get("hashes", ())]
    assert len(hashes) == lock.count("--hash=sha256:")
    assert all(f"--hash=sha256:{each}" in lock for each in hashes)


def test_it_says_what_needs_what_and_under_which_licence(bill: Any) -> None:
    needs = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    version = {each["name"]: each["version"] for each in bill["components"]}
    django = f"pkg:pypi/django@{version['django']}"
    assert django in needs["pneumatic-chat"]
    assert django in needs[f"pkg:pypi/channels@{version['channels']}"]
    # The rest is for other systems, and not installed here.
    licensed = [each for each in bill["components"] if each.get("licenses")]
    assert len(licensed) > 0.9 * len(bill["components"])
    assert {each["name"] for each in licensed} >= {"django", "channels", "preact", "idb"}
