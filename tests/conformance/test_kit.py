"""A check that can't fail proves nothing: each of these servers lies about one thing."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from chat import limits, protocol
from pneumatic.conformance import shapes
from pneumatic.conformance.checks import load
from pneumatic.conformance.clauses import CLAUSES
from pneumatic.lib import errors
from tests.conformance.liar import Frame, Lie, lying
from tests.conformance.servers import check, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running("serve", tmp_path_factory.mktemp("server")) as url:
        yield url


def changed(kind: str, **fields: object) -> Lie:
    return lambda event: [{**event, **fields} if event["type"] == kind else event]


def without(kind: str) -> Lie:
    return lambda event: [] if event["type"] == kind else [event]


def twice(kind: str) -> Lie:
    return lambda event: [event, event] if event["type"] == kind else [event]


def without_field(kind: str, name: str) -> Lie:
    def lie(event: Frame) -> list[Frame]:
        if event["type"] == kind:
            event = {key: value for key, value in event.items() if key != name}
        return [event]

    return lie


def edited(kind: str, **row: object) -> Lie:
    def lie(event: Frame) -> list[Frame]:
        return [{**event, "data": {**event["data"], **row}} if event["type"] == kind else event]

    return lie


LIES: dict[str, tuple[Lie, str]] = {
    "a repeat is told to be new": (changed("ack", duplicate=False), "send/repeat"),
    "all acks name one place": (changed("ack", seq=2), "send/one-order"),
    "messages never arrive": (without("message"), "send/everyone"),
    "messages arrive with another body": (edited("message", body="x"), "send/everyone"),
    "edits don't arrive": (edited("message", edited_at=None), "change/edit"),
    "removals are not told": (without("conversation.removed"), "change/remove"),
    "members' changes are not told": (without("member"), "change/no-gaps"),
    "renames show one's own part": (edited("conversation", me={}), "change/rename"),
    "a sync claims too much": (changed("sync", to=2**40), "sync/changes"),
    "nothing is ever reset": (changed("sync", reset=False), "sync/ahead"),
    "receipts come to nobody": (without("receipt"), "state/read"),
    "receipts show everybody's counts": (changed("receipt", unread=0), "state/delivered"),
    "typing is not told": (without("typing"), "state/typing"),
    "refs are forgotten": (changed("error", ref=None), "frame/ref"),
    "errors have other codes": (changed("error", code="invalid"), "state/silent"),
    "tokens are not renewed": (without("authed"), "frame/auth"),
    "the welcome has no limits": (changed("welcome", limits={}), "opening/welcome"),
    "synced overtakes": (without("sync"), "opening/order"),
    "pongs come twice": (twice("pong"), "frame/batch"),
    "a field is missing": (without_field("welcome", "heartbeat"), "frame/shape"),
}


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("what", LIES)
def test_the_kit_notices_that(what: str, server: str) -> None:
    lie, clause = LIES[what]
    heard_before = ["opening/subprotocol", "opening/welcome"] if clause == "frame/shape" else []
    with lying(server, lie) as socket:
        done = check(server, "--socket", socket, "--patience", "3", "--only", clause, *heard_before)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"^failed .* {clause} ", done.stdout, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_kit_notices_wrong_close_codes(server: str) -> None:
    with lying(server, lambda event: [event], close_code=4000) as socket:
        done = check(
            server, "--socket", socket, "--patience", "3", "--only", "opening/b*", "close/revoked"
        )
    assert done.returncode == 1
    assert "4 failed" in done.stdout or "3 failed" in done.stdout, done.stdout


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_an_honest_proxy_passes(server: str) -> None:
    with lying(server, lambda event: [event]) as socket:
        done = check(server, "--socket", socket, "--only", "send/*", "change/*", "state/*")
    assert done.returncode == 0, done.stdout


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = check("http://127.0.0.1:9", "--json", str(tmp_path / "results.json"))
    assert done.returncode == 2
    assert "Nobody could be signed in" in done.stdout


def test_people_are_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pneumatic.conformance", "http://127.0.0.1:9"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--register" in done.stderr


def test_every_clause_has_a_name_of_its_own_and_is_documented() -> None:
    load()
    names = [each.name for each in CLAUSES]
    assert len(names) == len(set(names))
    page = (settings.BASE_DIR / "docs/conformance.md").read_text()
    documented = re.findall(r"^\| `([a-z]+/[a-z-]+)` \|", page, re.MULTILINE)
    assert documented == names


def test_the_kits_words_are_the_protocols() -> None:
    events = {kind.__struct_config__.tag: kind for kind in protocol.EVENTS}
    assert set(shapes.EVENTS) == set(events)
    assert set(shapes.LIMITS.split()) == set(limits.told_to_clients())
    assert {each.code: each.status for each in errors.ALL} == shapes.ERROR_CODES
    rows = {
        "message": protocol.MessageRow,
        "member": protocol.MemberRow,
        "conversation": protocol.ConversationRow,
    }
    for name, row in rows.items():
        assert set(shapes.ROWS[name].split()) == set(row.__struct_fields__) - {"me"}
    schema = json.loads((settings.BASE_DIR / "docs/protocol.schema.json").read_text())["$defs"]
    for tag, kind in events.items():
        required = set(schema[kind.__name__]["required"]) - {"type", "ref"}
        assert set(shapes.EVENTS[str(tag)].split()) == required


def test_the_kit_needs_no_django_and_none_of_the_servers_code() -> None:
    code = (
        "import sys\n"
        "from pneumatic.conformance import __main__\n"
        "__main__.load()\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'django', 'chat', 'accounts', 'msgspec', 'httpx', 'jsonschema'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
