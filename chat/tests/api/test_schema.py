"""OpenAPI says what is so."""

from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from chat.api.schema import tell_problems
from chat.tests.api.conftest import As
from pneumatic.testing.factories import World, make_direct, say


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return tell_problems(generator.get_schema(request=None, public=True))


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verbs in schema["paths"].items():
        for verb, operation in verbs.items():
            yield path, verb, operation


def test_the_schema_is_valid(schema: dict[str, Any]) -> None:
    validate_schema(schema)  # type: ignore[no-untyped-call]
    assert schema["openapi"].startswith("3.1")


def test_every_operation_has_a_name_of_its_own_a_tag_and_a_description(
    schema: dict[str, Any],
) -> None:
    found = [operation for _, _, operation in operations(schema)]
    names = [operation["operationId"] for operation in found]
    assert len(set(names)) == len(names)
    assert all(operation["tags"] and operation["description"] for operation in found)


def test_every_operation_tells_its_problems(schema: dict[str, Any]) -> None:
    for path, verb, operation in operations(schema):
        told = set(operation["responses"])
        assert {"401", "429", "503"} <= told, (verb, path)
        if "requestBody" in operation:
            assert {"400", "413"} <= told, (verb, path)
        if "{" in path:
            assert "404" in told, (verb, path)
    assert "409" in schema["paths"]["/api/v1/conversations/"]["post"]["responses"]


def test_every_operation_says_what_it_answers(schema: dict[str, Any]) -> None:
    for path, verb, operation in operations(schema):
        for status, response in operation["responses"].items():
            if status in {"200", "201"}:
                assert response["content"]["application/json"]["schema"], (verb, path)


@pytest.mark.usefixtures("published")
def test_what_is_answered_fits_the_schema(world: World, as_: As, schema: dict[str, Any]) -> None:
    said = say(world.alice, world.group, "hey @bob")
    make_direct(world.bob, world.charlie)
    group = f"conversations/{world.group.id}/"
    bob = as_(world.bob)
    for path, verb, answer in (
        ("users/", "get", bob.get("users/?q=a")),
        ("users/me/", "get", bob.get("users/me/")),
        ("conversations/", "get", bob.get("conversations/")),
        ("conversations/{conversation_id}/", "get", bob.get(group)),
        ("conversations/{conversation_id}/members/", "get", bob.get(f"{group}members/")),
        ("conversations/{conversation_id}/messages/", "get", bob.get(f"{group}messages/")),
        (
            "conversations/{conversation_id}/messages/{message_id}/",
            "get",
            bob.get(f"{group}messages/{said.id}/"),
        ),
        (
            "conversations/{conversation_id}/read/",
            "post",
            bob.post(f"{group}read/", {"seq": 1}),
        ),
        ("sync/", "post", bob.post("sync/", {"epoch": None, "versions": {}, "states": True})),
    ):
        told = schema["paths"][f"/api/v1/{path}"][verb]["responses"][str(answer.status_code)]
        fits(answer.json(), told["content"]["application/json"]["schema"], schema)


def test_a_problem_fits_the_schema(world: World, as_: As, schema: dict[str, Any]) -> None:
    answer = as_(world.alice).get("users/")
    fits(answer.json(), {"$ref": "#/components/schemas/Problem"}, schema)


def fits(value: Any, kind: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.validate(
        value,
        {**kind, "components": schema["components"]},
        cls=jsonschema.Draft202012Validator,
        format_checker=jsonschema.FormatChecker(),
    )


@pytest.mark.django_db
def test_the_schema_is_made_once_whatever_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Security 27: a question of anybody, which cost more than its answer."""
    client = Client()
    path = "/api/v1/schema/"
    first = {kind: client.get(path, {"format": kind}) for kind in ("json", "yaml")}
    assert first["json"].json()["openapi"].startswith("3.1")
    assert first["yaml"].content.startswith(b"openapi: 3.1")

    def again(*_: Any, **__: Any) -> Any:
        raise AssertionError("made again")

    monkeypatch.setattr(SchemaGenerator, "get_schema", again)
    for kind, answer in first.items():
        for odd in ({}, {"version": "a\r\nX-Evil: 1"}, {"lang": "de"}, {"x": "y"}):
            later = client.get(path, {"format": kind, **odd})
            assert (later.status_code, later.content) == (200, answer.content)
            assert later["Content-Disposition"] == answer["Content-Disposition"]
            assert later["Content-Type"] == answer["Content-Type"]
