"""Whatever is sent, a socket answers it or closes with a documented code, and breaks nothing."""

import asyncio
import enum
import json
import types
import typing
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chat import limits, protocol
from chat.ws import consumer
from pneumatic.testing.factories import World
from pneumatic.testing.socket import Device, device_of
from tests.security.fuzz import budget

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

#: Replaced by ids of the world that the example meets.
GROUP, MEMBER = UUID(int=1), UUID(int=2)
DOCUMENTED = {int(code) for code in protocol.Close}

odd_texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(
        ["", "\0", "a" * 5000, "\u202e" * 50, "\ufeff", "\ud7ff\ue000", "9" * 400, "e\u0301" * 500]
    ),
)
odd_numbers = st.one_of(
    st.integers(),
    st.sampled_from([-1, 0, 2**53, 2**53 + 1, 2**63, -(2**63), 2**64, 10**400]),
    st.floats(allow_nan=True, allow_infinity=True),
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), odd_numbers, odd_texts, st.just(str(GROUP))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(odd_texts, inner, max_size=4)
    ),
    max_leaves=12,
)


def fitting(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a declared type, of that shape if not always within its bounds."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return fitting(typing.get_args(kind)[0])
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(fitting, typing.get_args(kind)))
    if origin is list:
        return st.lists(fitting(typing.get_args(kind)[0]), max_size=3)
    if origin is dict:
        key, value = map(fitting, typing.get_args(kind))
        return st.dictionaries(key, value, max_size=3)
    known: dict[Any, st.SearchStrategy[Any]] = {
        UUID: st.one_of(st.just(str(GROUP)), st.just(str(MEMBER)), st.uuids().map(str)),
        str: odd_texts,
        int: odd_numbers,
        float: odd_numbers,
        bool: st.booleans(),
        type(None): st.none(),
    }
    return known[kind]


@st.composite
def commands(draw: st.DrawFn) -> Any:
    """A frame with the type and the fields of a real command, some of them wrong."""
    kind = draw(st.sampled_from(protocol.COMMANDS))
    hints = typing.get_type_hints(kind, include_extras=True)
    names = [field.name for field in msgspec.structs.fields(kind)]
    frame: dict[str, Any] = {"type": kind.__struct_config__.tag}
    for name in names:
        if draw(st.integers(0, 9)) == 0:
            continue
        wrong = draw(st.integers(0, 7)) == 0
        frame[name] = draw(anything if wrong else fitting(hints[name]))
    if draw(st.integers(0, 7)) == 0:
        frame[draw(odd_texts)] = draw(anything)
    return frame


class Kind(enum.Enum):
    TEXT = "text"
    BYTES = "bytes"


texts = st.one_of(
    commands().map(json.dumps),
    commands().map(json.dumps),
    commands().map(json.dumps),
    anything.map(json.dumps),
    odd_texts,
    st.sampled_from(
        [
            "[" * 60_000,
            '{"a":' * 10_000,
            '{"type":"ping","t":' + "9" * 5_000 + "}",
            '{"type":"ping","t":"\\ud800"}',
            '{"type":"ping","ref":"\\u0000"}',
            '{"type":"message.send","body":"\\udfff\\ud800"}',
            '{"type":"ping","type":"hello"}',
            '{"type":"sync","versions":{"x":1}}',
            "NaN",
            "null",
            " " * 1_000 + '{"type":"ping"}',
        ]
    ),
)
# Cut anywhere: half a frame, or one with a hole.
cut = st.builds(
    lambda text, at, length: text[:at] + text[at + length :],
    texts,
    st.integers(0, 200),
    st.integers(0, 50),
)
frames = st.one_of(
    st.tuples(st.just(Kind.TEXT), st.one_of(texts, texts, cut)),
    st.tuples(st.just(Kind.BYTES), st.binary(max_size=200)),
)


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was logged as a failure of ours."""
    found: list[str] = []

    class Listening:
        def __getattr__(self, level: str) -> Any:
            def tell(name: str, **facts: Any) -> None:
                if level in ("error", "exception", "critical"):
                    import traceback

                    found.append(f"{name} {facts} {traceback.format_exc()}")

            return tell

    monkeypatch.setattr(consumer, "log", Listening())
    return found


async def _throw(device: Device, thrown: list[Any], world: World) -> None:
    """Send them one after the other until the socket closes; then see that all is well."""
    for kind, payload in thrown:
        if kind is Kind.BYTES:
            message = {"bytes": payload}
        else:
            text = payload.replace(str(GROUP), str(world.group.id))
            message = {"text": text.replace(str(MEMBER), str(world.bob.id))}
        await device.socket.send_input({"type": "websocket.receive", **message})
    ref = "after all that"
    await device.say(type="ping", ref=ref)
    async with asyncio.timeout(20):
        while device.close_code is None:
            if any(f["type"] == "pong" and f["ref"] == ref for f in device.received):
                break
            await device._receive()
    for frame in device.received:
        if frame["type"] == "error":
            assert frame["code"] != "internal"
            assert "Traceback" not in frame["detail"]
    if device.close_code is not None:
        assert device.close_code in DOCUMENTED
        event(f"closed with {device.close_code}")


@budget(60)
@given(thrown=st.lists(frames, min_size=1, max_size=25))
async def test_whatever_a_device_says_it_is_answered_or_closed_by_a_documented_code(
    live_world: World,
    failures: list[str],
    monkeypatch: pytest.MonkeyPatch,
    thrown: list[Any],
) -> None:
    # Else nearly every example would end with its first bad frames.
    monkeypatch.setattr(limits, "BAD_FRAMES", 10_000)
    monkeypatch.setattr(limits, "FRAMES_BURST", 10_000)
    device = await device_of(live_world.alice)
    await device.hello()
    await _throw(device, thrown, live_world)
    await device.close()
    assert failures == []


@budget(40)
@given(thrown=st.lists(frames, min_size=1, max_size=8))
async def test_whatever_is_said_instead_of_hello_ends_with_a_documented_code(
    live_world: World, failures: list[str], thrown: list[Any]
) -> None:
    device = Device(None)
    await device.open()
    await _throw(device, thrown, live_world)
    await device.close()
    assert failures == []
    # A stranger has been told nothing but what was wrong with the frames.
    assert {frame["type"] for frame in device.received} <= {"error"}
