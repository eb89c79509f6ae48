import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.actions import sign_in
from accounts.models import User
from chat import presenters, protocol
from chat.management import demo, demo_talk, protocol_export
from chat.management.commands import quickstart
from chat.models import Conversation, Membership, Message
from chat.queries import seats_of
from pneumatic.lib import serving
from pneumatic.loopback.processes import free_port
from pneumatic.testing.factories import World, make_user

MANAGE = Path(settings.BASE_DIR, "manage.py")

# --- seed_demo ----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
def test_the_demo_is_made_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed_demo")
    assert "4 people, 2 conversations and 31 messages" in capsys.readouterr().out
    rows = list(Message.objects.order_by("id").values("id", "version", "created_at"))
    call_command("seed_demo")
    assert "0 people, 0 conversations and 0 messages" in capsys.readouterr().out
    assert list(Message.objects.order_by("id").values("id", "version", "created_at")) == rows


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
def test_the_demos_people_can_sign_in_and_have_something_to_read() -> None:
    demo.plant()
    for username, _ in demo_talk.PEOPLE:
        session = sign_in(username=username, password=demo.PASSWORD, device="", user_agent="")
        assert session.user.email.endswith("@demo.example")
    alice = User.objects.get(username="alice")
    unread = [presenters.own_part(seat.conversation, seat).unread for seat in seats_of(alice)]
    assert len(unread) == 2
    assert all(unread)


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
def test_the_demo_keeps_every_rule_of_the_counters() -> None:
    demo.plant()
    for conversation in Conversation.objects.all():
        messages = Message.objects.filter(conversation=conversation).order_by("seq")
        assert [each.seq for each in messages] == list(range(1, conversation.last_seq + 1))
        times = [each.created_at for each in messages]
        assert times == sorted(times)
        assert conversation.last_message_at == times[-1]
        members = Membership.objects.filter(conversation=conversation)
        versions = [each.version for each in messages] + [each.version for each in members]
        assert max(versions) <= conversation.version
        assert len(set(versions)) == len(versions)


@pytest.mark.django_db
def test_the_demo_leaves_real_people_alone() -> None:
    make_user("bob")
    with pytest.raises(CommandError, match="bob"):
        call_command("seed_demo")
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
def test_production_gets_no_demo_unless_it_is_forced(settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="--force"):
        call_command("seed_demo")
    assert not User.objects.exists()
    call_command("seed_demo", force=True)
    assert User.objects.count() == 4


# --- quickstart ---------------------------------------------------------------------------------


def environment(folder: Path, port: int) -> dict[str, str]:
    """A fresh installation in `folder`, whatever this run of the tests uses."""
    ours = ("PNEUMATIC_", "DATABASE_URL", "REDIS_URL", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {
        **kept,
        "PNEUMATIC_ENV": "development",
        "PNEUMATIC_DATA_DIR": str(folder),
        "PORT": str(port),
    }


def start(command: str, folder: Path, port: int) -> subprocess.Popen[str]:
    # Where a shell has put us into the background, Ctrl-C would be ignored there as it is here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        [sys.executable, str(MANAGE), command],
        env=environment(folder, port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def first_answer(process: subprocess.Popen[str], port: int, path: str = "/healthz") -> int:
    """The status of the first answer; fails where the server ends or says nothing for 30 s."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return int(answer.status)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    process.kill()
    pytest.fail(f"no answer; the server said:\n{process.communicate()[0]}")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    process = start("quickstart", tmp_path, port)
    yield process, port
    process.kill()
    process.communicate()


def test_quickstart_goes_from_nothing_to_a_demo_and_stops_at_ctrl_c(
    running: tuple[subprocess.Popen[str], int], tmp_path: Path, settings: Any
) -> None:
    process, port = running
    assert first_answer(process, port) == 200
    settings.DATA_DIR = tmp_path
    with serving.nobody() as alone:
        assert not alone, "a backup would be restored under it"
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/auth/token/",
        data=json.dumps({"username": "alice", "password": demo.PASSWORD}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert json.load(answer)["user"]["username"] == "alice"
    stopped_at = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=10)
    # Two seconds are promised; the rest is for a busy machine.
    assert time.monotonic() - stopped_at < 5
    assert process.returncode == 0
    assert f"http://localhost:{port}/" in said
    assert demo.PASSWORD in said
    assert "not for production" in said
    assert "kind=registered" not in said, "the audit trail is no welcome"
    assert "Traceback" not in said


def test_quickstart_says_so_when_the_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = start("quickstart", tmp_path, port)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"port {port} is in use; set PORT=" in said
    assert "Listening" not in said
    assert "Traceback" not in said


def test_quickstart_does_not_start_while_a_backup_is_restored(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(quickstart, "_refuse_taken_port", lambda: None)
    monkeypatch.setattr(serving, "raise_open_files", lambda: None)
    with serving.nobody(), pytest.raises(CommandError, match="being restored"):
        quickstart.Command().handle()


def test_quickstart_is_not_for_production(settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="use serve"):
        quickstart.Command().handle()


# --- export_protocol ----------------------------------------------------------------------------


def test_what_is_exported_is_fresh() -> None:
    call_command("export_protocol", check=True)


def test_a_stale_export_is_told_and_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match=r"protocol\.d\.ts"):
        call_command("export_protocol", check=True, folder=tmp_path)
    call_command("export_protocol", folder=tmp_path)
    assert "docs/protocol.schema.json" in capsys.readouterr().out
    call_command("export_protocol", check=True, folder=tmp_path)
    (tmp_path / "docs/protocol.schema.json").write_text("{}")
    with pytest.raises(CommandError, match=r"protocol\.schema\.json"):
        call_command("export_protocol", check=True, folder=tmp_path)


def test_every_command_and_event_is_exported() -> None:
    types, schema = protocol_export.typescript(), json.loads(protocol_export.json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    for word, kind in protocol.types():
        assert f"export interface {kind.__name__} {{\n  type: {json.dumps(word)};" in types
        assert kind.__name__ in schema["$defs"]


def test_frames_of_both_sides_fit_the_exported_schema(world: World) -> None:
    schema = json.loads(protocol_export.json_schema())
    row = Message.objects.get()
    ack = protocol.Ack(
        ref=None,
        id=row.id,
        conversation=row.conversation_id,
        seq=1,
        version=1,
        created_at=presenters.time(row.created_at),
        duplicate=False,
    )
    for frame in (
        protocol.encode(presenters.message_event(row)),
        protocol.encode(presenters.conversation_event(world.group)),
        protocol.encode(ack),
        protocol.batch([protocol.encode(ack), protocol.encode(protocol.Resync())]),
        protocol.encode(protocol.Synced()),
        '{"type": "ping"}',
        '{"type": "hello", "versions": {}}',
    ):
        jsonschema.validate(json.loads(frame), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"type": "ping", "surprise": 1}, schema)
