import contextlib
import datetime
import io
import json
import uuid
from typing import Any

import pytest
from django.utils.functional import lazystr
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.utils.serializer_helpers import ReturnDict, ReturnList

from pneumatic.lib.errors import Invalid, TooLarge
from pneumatic.lib.http import strictjson


class _Some(serializers.Serializer[Any]):
    """DRF's kinds of dict and list want to know their serializer."""


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=10,
)


@given(_values)
def test_honest_json_comes_through_as_it_is(value: Any) -> None:
    assert strictjson.decode(json.dumps(value).encode()) == value
    assert strictjson.decode(strictjson.encode(value)) == value


@given(st.binary(max_size=50) | _texts.map(str.encode))
def test_whatever_comes_is_a_value_or_a_refusal(raw: bytes) -> None:
    with contextlib.suppress(Invalid):
        strictjson.decode(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b'"\\ud800"',
        b'{"\\udc00": 1}',
        b'"\\u0000"',
        b'{"a\\u0000": 1}',
        b'"\x00"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b"",
        b" ",
        b"{} {}",
        b"[1,]",
        b"{'a': 1}",
        b"9223372036854775808",
        b"9" * 5000,
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" + b"[]," * strictjson.MAX_VALUES + b"[]]",
    ],
    ids=lambda raw: repr(raw[:16]),
)
def test_odd_json_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        strictjson.decode(raw)


def test_nesting_to_the_limit_is_taken() -> None:
    raw = b"[" * strictjson.MAX_DEPTH + b"]" * strictjson.MAX_DEPTH
    assert strictjson.decode(raw)[0][0]


def test_too_much_is_too_large() -> None:
    with pytest.raises(TooLarge):
        strictjson.decode(b'"' + b"a" * strictjson.MAX_BYTES + b'"')


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"b": [{"a": 1, "b": 2, "a": 3}]}',
        b'{"a": {"b": 1}, "a": {}}',
        b'{"a": ' + b"[" * 500 + b"]" * 500 + b', "a": 2}',
        b'{"a": ' + b"9" * 30 + b', "a": 2}',
    ],
    ids=lambda raw: repr(raw[:32]),
)
def test_a_key_given_twice_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid, match="twice"):
        strictjson.decode(raw)


def test_the_key_is_named_but_not_at_any_length() -> None:
    long = b'"' + b"k" * 10_000 + b'"'
    with pytest.raises(Invalid) as refused:
        strictjson.decode(b"{" + long + b": 1, " + long + b": 2}")
    assert "`" + "k" * 64 + "…`" in str(refused.value.detail)
    assert len(str(refused.value.detail)) < 200


def test_one_key_in_two_objects_is_taken() -> None:
    value = {"a": {"a": 1}, "b": [{"a": 1}, {"a": ':"a":'}]}
    assert strictjson.decode(json.dumps(value).encode()) == value


@pytest.mark.parametrize("raw", [b"[]", b"1", b"null", b'"text"'])
def test_a_body_is_one_object(raw: bytes) -> None:
    with pytest.raises(Invalid, match="object"):
        strictjson.StrictJSONParser().parse(io.BytesIO(raw))


def test_a_body_without_end_is_not_read_to_its_end() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= strictjson.MAX_BYTES + 1
            return b" " * size

    with pytest.raises(TooLarge):
        strictjson.StrictJSONParser().parse(Endless())


def test_times_end_in_z_and_rests_kinds_of_text_and_list_are_known() -> None:
    at = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.UTC)
    some_id = uuid.uuid4()
    data = ReturnDict(
        {
            "at": at,
            "id": some_id,
            "errors": [ErrorDetail("wrong", "code"), lazystr("lazy")],
            "list": ReturnList([1], serializer=_Some()),
        },
        serializer=_Some(),
    )
    assert json.loads(strictjson.JSONRenderer().render(data)) == {
        "at": "2026-01-02T03:04:05.678000Z",
        "id": str(some_id),
        "errors": ["wrong", "lazy"],
        "list": [1],
    }


def test_json_is_indented_when_asked_for() -> None:
    render = strictjson.JSONRenderer().render
    assert render({"a": "é"}) == '{"a":"é"}'.encode()
    assert render({"a": 1}, "application/json; indent=4") == b'{\n    "a": 1\n}'
    assert render({"a": 1}, renderer_context={"indent": 2}) == b'{\n  "a": 1\n}'
    assert render(None) == b""
