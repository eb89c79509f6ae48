"""F19: frames overtake each other, come late and come twice, and every client ends up the same.

The events are those of the golden files, so they are what the server really said; the same is asked
of the browser's store by `out_of_order.mjs`, which Node runs.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumatic.proof.mirror import Mirror
from pneumatic.settings import BASE_DIR

Frame = dict[str, Any]
GOLDEN = BASE_DIR / "chat" / "tests" / "golden"
NAMES = ["members", "messages"]
LIVE = {"message", "member", "conversation", "receipt"}
NODE = shutil.which("node")


def read(name: str) -> tuple[list[Frame], Frame]:
    """The events, and the conversations as they must be known after them."""
    content = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    after = content["after"]["conversations"]
    return content["events"], {id: durable(each) for id, each in after.items()}


def known_to(mirror: Mirror) -> Frame:
    return {
        conversation_id: durable(
            {
                "known": each.known,
                "row": each.row,
                "members": each.members,
                "messages": each.messages,
                "receipts": each.receipts,
            }
        )
        for conversation_id, each in mirror.conversations.items()
    }


def durable(conversation: Frame) -> Frame:
    """What events alone must lead to; the row's counts are derived from it."""
    row = conversation["row"]
    return {**conversation, "row": {"title": row["title"], "topic": row["topic"]}}


def told(events: list[Frame], order: list[int]) -> Mirror:
    """A mirror that was told the welcome, and then these events in this order."""
    mirror = Mirror()
    mirror.apply(events[0])
    for index in order:
        mirror.apply(events[index])
    return mirror


pytestmark = pytest.mark.once


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_order_of_events_and_each_of_them_twice_lead_to_the_same_rows_f19(
    name: str, data: st.DataObject
) -> None:
    events, after = read(name)
    live = [index for index, each in enumerate(events) if each["type"] in LIVE]
    states = [index for index, each in enumerate(events) if each["type"] in {"sync", "synced"}]
    # Live events may overtake the sync that the socket's opening asked for, even entirely.
    order = data.draw(st.permutations([*live, *live, *states]), label="order")
    assert known_to(told(events, order)) == after


def has_gap(mirror: Mirror) -> bool:
    return any(each.has_gap for each in mirror.conversations.values())


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_a_gap_shows_until_what_is_missing_came_late_f19(name: str, data: st.DataObject) -> None:
    events, after = read(name)
    versioned = [
        index
        for index, each in enumerate(events)
        if each["type"] in {"message", "member", "conversation"}
    ]
    late = data.draw(st.sampled_from(versioned[:-1]), label="late")
    others = [index for index in range(1, len(events)) if index != late]
    mirror = told(events, others)
    assert has_gap(mirror)
    assert mirror.position()[1].popitem()[1] == events[late]["version"] - 1
    mirror.apply(events[late])
    assert not has_gap(mirror)
    assert known_to(mirror) == after


@pytest.mark.skipif(NODE is None, reason="needs Node (none was found)")
def test_the_browsers_store_takes_events_in_any_order_and_twice_f19() -> None:
    script = Path(__file__).with_name("out_of_order.mjs")
    done = subprocess.run(
        [str(NODE), "--import", "./tests/js/register.mjs", "--test", str(script)],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
