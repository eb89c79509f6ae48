from typing import Any

import pytest
from rest_framework import serializers

from pneumatic.lib.http.serializers import UNKNOWN, StrictSerializer, TextField


class Inner(StrictSerializer):
    on = serializers.BooleanField()


class Outer(StrictSerializer):
    id = serializers.IntegerField(read_only=True)
    title = TextField(max_length=5)
    body = TextField(multiline=True, required=False)
    inner = Inner(required=False)


def _errors(data: Any) -> Any:
    serializer = Outer(data=data)
    assert not serializer.is_valid()
    return serializer.errors


def test_what_is_described_is_taken() -> None:
    serializer = Outer(data={"title": "Hello", "body": "a\n\tb", "inner": {"on": True}})

    assert serializer.is_valid()
    assert serializer.validated_data == {
        "title": "Hello",
        "body": "a\n\tb",
        "inner": {"on": True},
    }


def test_unknown_and_read_only_fields_are_refused_by_name_beside_the_other_errors() -> None:
    errors = _errors({"id": 1, "role": "owner", "title": "too long", "inner": {"on": 1, "x": 2}})

    assert errors["id"] == errors["role"] == errors["inner"]["x"] == [UNKNOWN]
    assert set(errors) == {"id", "role", "title", "inner"}


def test_an_unknown_field_alone_is_refused() -> None:
    assert set(_errors({"title": "Hello", "x": 1})) == {"x"}


def test_a_thousand_unknown_fields_are_not_all_named() -> None:
    assert len(_errors({f"{n}" * 500: 1 for n in range(1000)})) <= 21


@pytest.mark.parametrize("value", [1, 1.5, True, None, [], {}, "a\0b", "a\x1bb", "a\nb", "\x7f"])
def test_a_text_is_a_text_without_control_characters(value: Any) -> None:
    assert set(_errors({"title": value})) == {"title"}


@pytest.mark.parametrize("value", ["a\0b", "a\x1bb"])
def test_several_lines_may_not_hold_other_control_characters(value: str) -> None:
    assert set(_errors({"title": "x", "body": value})) == {"body"}


@pytest.mark.parametrize("data", [[], "text", 7, None])
def test_what_is_no_object_is_refused(data: Any) -> None:
    assert set(_errors(data)) == {"non_field_errors"}
