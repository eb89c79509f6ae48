"""The AsyncAPI document: valid by AsyncAPI's own JSON Schema, and true of what is really sent.

`asyncapi-3.0.0.schema.json` is `3.0.0-without-$id.json` of the AsyncAPI Initiative's specification
schemas (Apache-2.0), with its white space removed and nothing else changed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.conf import settings

from chat import protocol
from chat.management.asyncapi_export import asyncapi

HERE = Path(__file__).parent
GOLDEN = sorted((settings.BASE_DIR / "chat/tests/golden").glob("*.json"))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(asyncapi())
    return loaded


def validator(document: dict[str, Any], name: str) -> Any:
    schema = {**document, "$ref": f"#/components/schemas/{name}"}
    return jsonschema.Draft7Validator(schema)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_it_keeps_asyncapis_own_rules(document: dict[str, Any]) -> None:
    rules = json.loads((HERE / "asyncapi-3.0.0.schema.json").read_text())
    jsonschema.Draft7Validator(rules).validate(document)


def test_those_rules_refuse_what_is_no_asyncapi(document: dict[str, Any]) -> None:
    rules = json.loads((HERE / "asyncapi-3.0.0.schema.json").read_text())
    channel = {**document["channels"]["socket"], "address": 7}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(rules).validate({**document, "channels": {"socket": channel}})


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert len(found) > 60
    for reference in found:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_command_is_received_and_every_event_sent(document: dict[str, Any]) -> None:
    said = {
        (operation["action"], message["$ref"].rpartition("/")[2])
        for operation in document["operations"].values()
        for message in operation["messages"]
    }
    expected = {("receive", each.__name__) for each in protocol.COMMANDS}
    expected |= {("send", each.__name__) for each in protocol.EVENTS}
    assert said == expected
    messages = document["components"]["messages"]
    for word, kind in protocol.types():
        assert messages[kind.__name__]["name"] in (word, kind.__struct_config__.tag)
        assert messages[kind.__name__]["summary"].endswith((".", "?"))


def test_every_close_code_says_whether_to_come_back(document: dict[str, Any]) -> None:
    codes = document["channels"]["socket"]["x-close-codes"]
    assert {int(code): each["reconnect"] for code, each in codes.items()} == {
        code.value: code.reconnect for code in protocol.Close
    }


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: str(file.stem))
def test_every_golden_frame_fits_its_message(file: Path, document: dict[str, Any]) -> None:
    names = {str(kind.__struct_config__.tag): kind.__name__ for kind in protocol.EVENTS}
    frames = json.loads(file.read_text())["events"]
    assert frames
    for frame in frames:
        validator(document, names[frame["type"]]).validate(frame)


def test_a_frame_with_a_field_missing_fits_none(document: dict[str, Any]) -> None:
    for frame in ({"type": "ack"}, {"type": "typing", "on": True}, {"type": "nope"}):
        assert not validator(document, "Event").is_valid(frame)
