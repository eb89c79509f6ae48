import hashlib
import json
import os
import sqlite3
import stat
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from chat import queries
from chat.actions.history import begin_new_history
from chat.management.sqlite import BEFORE
from chat.models import Message
from pneumatic.lib import serving
from pneumatic.loopback.binaries import find_postgres
from pneumatic.testing.factories import World, make_world, say
from pneumatic.testing.socket import Device, device_of, the_end

pytestmark = pytest.mark.django_db(transaction=True)

ON_SQLITE = settings.ON_SQLITE


@pytest.fixture(autouse=True)
def _programs(settings: Any, tmp_path: Path) -> Iterator[None]:
    """The client programs are those of the PostgreSQL that tests run on, and the lock is ours."""
    settings.DATA_DIR = tmp_path
    if not ON_SQLITE:
        folders = [each.path.parent for each in find_postgres()]
        complete = [each for each in folders if (each / "pg_dump").exists()]
        if not complete:
            pytest.skip("needs pg_dump: none was found")
        settings.PG_BIN = str(complete[0])
    yield
    for part in ("", "-wal", "-shm"):
        Path(f"{connection.settings_dict['NAME']}{BEFORE}{part}").unlink(missing_ok=True)


@pytest.fixture
def world() -> World:
    return make_world()


def backed_up(file: Path, **options: Any) -> dict[str, Any]:
    """The manifest of a new backup."""
    call_command("backup", file, **options)
    with zipfile.ZipFile(file) as opened:
        manifest: dict[str, Any] = json.loads(opened.read("manifest.json"))
    return manifest


def rewritten(file: Path, *, manifest: dict[str, Any] | None = None, database: bytes = b"") -> None:
    """Tamper with a backup."""
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    if manifest is not None:
        parts["manifest.json"] = json.dumps(manifest).encode()
    parts["database"] = database or parts["database"]
    with zipfile.ZipFile(file, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)


def bodies() -> set[str]:
    return set(Message.objects.filter(kind="text").values_list("body", flat=True))


def test_a_restored_backup_is_the_database_of_then_and_another_history(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(world.alice, world.group, "kept")
    epoch = queries.epoch()
    manifest = backed_up(tmp_path / "backup")
    assert manifest["contents"]["epoch"] == str(epoch)
    assert manifest["contents"]["users"] == 3
    assert manifest["contents"]["messages"] == Message.objects.count()
    say(world.alice, world.group, "lost")

    call_command("restore", tmp_path / "backup", force=True)
    assert bodies() == {"kept"}
    assert queries.epoch() != epoch
    said = capsys.readouterr().out
    assert "3 people, 1 conversations" in said
    assert str(queries.epoch()) in said
    # It is in use as before: nothing of the old one is in the way.
    say(world.bob, world.group, "after")
    assert bodies() == {"kept", "after"}


def test_what_the_backup_does_not_know_is_gone_after_it(world: World, tmp_path: Path) -> None:
    call_command("backup", tmp_path / "backup")
    with connection.cursor() as cursor:
        kind = "integer" if ON_SQLITE else "serial"
        cursor.execute(f"CREATE TABLE of_a_later_version (id {kind} PRIMARY KEY)")
    call_command("restore", tmp_path / "backup", force=True)
    assert "of_a_later_version" not in connection.introspection.table_names()


@pytest.mark.asyncio
async def test_restored_backup_old_clients_reset_and_a_resend_makes_one_message(
    tmp_path: Path,
) -> None:
    world = await sync_to_async(make_world)()
    await sync_to_async(say)(world.alice, world.group, "kept")
    device = await device_of(world.alice)
    await device.hello()
    mirror = device.mirror
    await sync_to_async(call_command)("backup", tmp_path / "backup")
    unsure = uuid.uuid4()
    await device.send(world.group, "in the outbox", id=unsure)
    await device.send(world.group, "of the lost history")
    await device.has_everything()
    await device.close()
    before, versions = mirror.position()
    await the_end()

    await sync_to_async(call_command)("restore", tmp_path / "backup", force=True)
    # The same session and mirror: it knows versions that the server hasn't reached again.
    again = Device(device.token, user=world.alice, mirror=mirror)
    await again.hello()
    after, new_versions = mirror.position()
    assert after != before
    assert new_versions[str(world.group.id)] < versions[str(world.group.id)]
    ack = await again.send(world.group, "in the outbox", id=unsure)
    repeated = await again.send(world.group, "in the outbox", id=unsure)
    assert (ack["duplicate"], repeated["duplicate"], repeated["seq"]) == (False, True, ack["seq"])
    await again.has_everything()
    fresh = await device_of(world.alice)
    await fresh.hello()
    assert again.mirror.position() == fresh.mirror.position()
    assert again.mirror.durable() == fresh.mirror.durable()
    assert await sync_to_async(bodies)() == {"kept", "in the outbox"}
    await again.close()
    await fresh.close()
    await the_end()


def test_a_new_history_has_another_name_each_time() -> None:
    names = {begin_new_history(), begin_new_history(), queries.epoch()}
    assert len(names) == 2
    assert queries.epoch() in names


# --- The file -----------------------------------------------------------------------------------


def test_the_file_is_for_its_owner_only_and_never_replaced_unasked(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    call_command("backup", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    with pytest.raises(CommandError, match="--force"):
        call_command("backup", file)
    assert file.read_bytes() == before
    say(world.alice, world.group, "one more")
    assert backed_up(file, force=True)["contents"]["messages"] == Message.objects.count()
    assert [each.name for each in tmp_path.glob("*backup*")] == ["backup"]
    assert list(tmp_path.glob(".backup*")) == []


def test_a_backup_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CommandError, match="No space left"):
        call_command("backup", tmp_path / "backup")
    assert [each for each in tmp_path.iterdir() if "backup" in each.name] == []


def test_a_damaged_backup_is_refused_and_changes_nothing(world: World, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    call_command("backup", file)
    say(world.alice, world.group, "still here")
    rewritten(file, database=b"something else")
    with pytest.raises(CommandError, match="damaged"):
        call_command("restore", file, force=True)
    file.write_bytes(b"no archive")
    with pytest.raises(CommandError, match="no whole backup"):
        call_command("restore", file, force=True)
    with pytest.raises(CommandError, match="no file"):
        call_command("restore", tmp_path / "nowhere", force=True)
    assert bodies() == {"still here"}


def test_a_dump_that_the_database_refuses_changes_nothing(world: World, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    manifest = backed_up(file)
    say(world.alice, world.group, "still here")
    epoch = queries.epoch()
    content = b"what its manifest says, but no database"
    manifest |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    rewritten(file, manifest=manifest, database=content)
    with pytest.raises(CommandError, match=r"damaged|Nothing was changed"):
        call_command("restore", file, force=True)
    assert (bodies(), queries.epoch()) == ({"still here"}, epoch)


def test_a_backup_of_a_newer_version_or_another_database_is_refused(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    manifest = backed_up(file)
    manifest["contents"]["migrations"].append("chat.9999_the_future")
    rewritten(file, manifest=manifest)
    with pytest.raises(CommandError, match=r"newer version.*chat\.9999_the_future"):
        call_command("restore", file, force=True)
    rewritten(file, manifest={**manifest, "database": "oracle"})
    with pytest.raises(CommandError, match="oracle"):
        call_command("restore", file, force=True)


def test_nothing_is_restored_under_a_running_server(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_held", [])
    call_command("backup", tmp_path / "backup")
    serving.announce()
    with pytest.raises(CommandError, match="server is running"):
        call_command("restore", tmp_path / "backup")
    for file in serving._held:
        file.close()


# --- Each database ------------------------------------------------------------------------------


@pytest.mark.skipif(not ON_SQLITE, reason="is about files")
def test_on_sqlite_the_old_file_is_kept_aside_with_what_was_in_its_log(
    world: World, tmp_path: Path
) -> None:
    call_command("backup", tmp_path / "backup")
    say(world.alice, world.group, "aside")
    call_command("restore", tmp_path / "backup")
    path = Path(connection.settings_dict["NAME"])
    assert bodies() == set()
    old = sqlite3.connect(f"{path}{BEFORE}")
    assert old.execute("SELECT body FROM chat_message WHERE kind = 'text'").fetchall() == [
        ("aside",)
    ]
    old.close()
    assert list(path.parent.glob(".restore-*")) == []


@pytest.mark.needs_postgres
def test_on_postgres_others_who_are_connected_are_named_and_put_out_by_force(
    world: World, tmp_path: Path
) -> None:
    import psycopg

    call_command("backup", tmp_path / "backup")
    params = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    other = psycopg.connect(**{name: params[name] for name in names}, application_name="a server")
    with pytest.raises(CommandError, match="a server"):
        call_command("restore", tmp_path / "backup")
    call_command("restore", tmp_path / "backup", force=True)
    with pytest.raises(psycopg.OperationalError):
        other.execute("SELECT 1")
    other.close()


@pytest.mark.needs_postgres
def test_on_postgres_missing_programs_are_named(settings: Any, tmp_path: Path) -> None:
    settings.PG_BIN = str(tmp_path)
    with pytest.raises(CommandError, match=r"pg_dump was not found in PG_BIN"):
        call_command("backup", tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
