import json
from typing import Any
from uuid import uuid4

import pytest

from chat import protocol
from chat.queries import epoch
from chat.tests.api.conftest import As
from pneumatic.testing.factories import World, make_direct, say

pytestmark = pytest.mark.usefixtures("published")


def test_a_new_device_gets_everything_whole(world: World, as_: As) -> None:
    say(world.alice, world.group, "hello")
    body = as_(world.bob).post("sync/", {"epoch": None, "versions": {}}).json()
    (frame,) = body["frames"]
    assert (frame["conversation"], frame["reset"]) == (str(world.group.id), True)
    assert [row["body"] for row in frame["messages"]] == ["created the group", "hello"]
    assert len(frame["members"]) == 2
    assert (body["epoch"], body["removed"], body["online"]) == (str(epoch()), [], [])


def test_who_is_up_to_date_gets_nothing_and_later_what_changed(world: World, as_: As) -> None:
    bob = as_(world.bob)
    first = bob.post("sync/", {"epoch": None, "versions": {}}).json()
    known = {frame["conversation"]: frame["to"] for frame in first["frames"]}
    ask = {"epoch": first["epoch"], "versions": known}
    assert bob.post("sync/", ask).json()["frames"] == []
    said = say(world.alice, world.group, "news")
    (frame,) = bob.post("sync/", ask).json()["frames"]
    assert (frame["from"], frame["to"], frame["reset"]) == (said.version - 1, said.version, False)
    assert [row["id"] for row in frame["messages"]] == [str(said.id)]


def test_versions_of_another_history_mean_nothing(world: World, as_: As) -> None:
    ask = {"epoch": str(uuid4()), "versions": {str(world.group.id): 1}}
    (frame,) = as_(world.bob).post("sync/", ask).json()["frames"]
    assert frame["reset"]


def test_what_one_may_not_read_is_to_be_dropped_whether_it_exists_or_not(
    world: World, as_: As
) -> None:
    unknown = str(uuid4())
    ask = {"epoch": str(epoch()), "versions": {str(world.group.id): 1, unknown: 1}}
    body = as_(world.charlie).post("sync/", ask).json()
    assert (body["frames"], body["removed"]) == ([], [str(world.group.id), unknown])


def test_a_partial_sync_looks_at_what_is_named(world: World, as_: As) -> None:
    direct = make_direct(world.alice, world.bob)
    ask = {"epoch": str(epoch()), "versions": {str(direct.id): 0}, "partial": True}
    body = as_(world.bob).post("sync/", ask).json()
    assert [frame["conversation"] for frame in body["frames"]] == [str(direct.id)]


def test_states_bring_receipts_along(world: World, as_: As) -> None:
    bob = as_(world.bob)
    versions = {str(world.group.id): world.group.version}
    ask = {"epoch": str(epoch()), "versions": versions, "states": True}
    body = bob.post("sync/", ask).json()
    assert body["frames"] == []
    assert {row["user"] for row in body["receipts"]} == {str(world.alice.id), str(world.bob.id)}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"epoch": "new"}, "epoch"),
        ({"versions": None}, "versions"),
        ({"versions": []}, "versions"),
        ({"versions": {"x": 1}}, "versions"),
        ({"versions": {str(uuid4()): -1}}, "versions"),
        ({"versions": {str(uuid4()): "1"}}, "versions"),
        ({"versions": {str(uuid4()): 1 for _ in range(10_001)}}, "versions"),
        ({"type": "sync"}, "type"),
        ({"states": "perhaps"}, "states"),
    ],
)
def test_a_sync_that_cannot_be_is_refused_by_name(
    world: World, as_: As, change: dict[str, Any], field: str
) -> None:
    ask = {"epoch": None, "versions": {}} | change
    answer = as_(world.alice).post("sync/", ask)
    assert answer.status_code == 400
    assert {name.split(".")[0] for name in answer.json()["errors"]} == {field}


_ID = "0198c0de-0000-7000-8000-0000000000ab"


@pytest.mark.parametrize(
    ("spelling", "taken"),
    [
        (_ID, True),
        (_ID.upper(), True),
        (_ID.replace("-", ""), True),
        (f"{{{_ID}}}", False),
        (f"urn:uuid:{_ID}", False),
        (_ID.replace("-", "", 1), False),
        (f" {_ID}", False),
        (_ID[:-1] + "\N{FULLWIDTH DIGIT ONE}", False),
    ],
)
def test_an_id_is_spelled_alike_over_rest_and_on_the_socket(
    world: World, as_: As, spelling: str, taken: bool
) -> None:
    bob = as_(world.bob)
    known, mine = {"versions": {spelling: 1}}, {"epoch": spelling, "versions": {}}
    assert _socket_takes({"type": "sync", **known}) is taken
    assert (bob.post("sync/", {"epoch": None, **known}).status_code == 200) is taken
    assert (bob.post("sync/", mine).status_code == 200) is taken


def _socket_takes(command: dict[str, Any]) -> bool:
    try:
        protocol.decode(json.dumps(command))
    except protocol.BadFrame:
        return False
    return True


def test_a_sync_costs_few_queries(
    world: World, as_: As, django_assert_max_num_queries: Any
) -> None:
    for person in (world.bob, world.charlie):
        say(person, make_direct(world.alice, person))
    epoch()  # the first to ask makes it
    with django_assert_max_num_queries(6):
        ask: dict[str, Any] = {"epoch": None, "versions": {}, "states": True}
        assert len(as_(world.alice).post("sync/", ask).json()["frames"]) == 3
