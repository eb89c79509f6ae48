"""SQLite: copied by its online backup, restored by a new file that takes the old one's name."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from django.core.management.base import CommandError
from django.db import connection

from chat.management.archive import Contents, sync_folder
from chat.management.databases import read_contents

_CHUNK: Final = 1 << 20
#: The files of one database: itself, its write-ahead log, and that one's index.
_PARTS: Final = ("", "-wal", "-shm")
BEFORE: Final = ".before-restore"


class Sqlite:
    def __init__(self) -> None:
        self.path = Path(connection.settings_dict["NAME"])
        self._contents: Contents | None = None

    def dump(self) -> Iterator[bytes]:
        with tempfile.TemporaryDirectory(dir=self.workplace(), prefix=".backup-") as folder:
            copy = Path(folder, "copy")
            with (
                closing(sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                # All in one step: in several it would begin anew with each write of a server.
                source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")
                self._contents = read_contents(lambda sql: target.execute(sql).fetchall())
            with copy.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield chunk

    def contents(self) -> Contents:
        assert self._contents is not None  # noqa: S101
        return self._contents

    def users(self) -> list[str]:
        # A server's connections come and go; that it runs is what pneumatic.lib.serving knows.
        return []

    def put_out(self) -> None:
        pass

    def workplace(self) -> Path | None:
        return self.path.parent

    def restore(self, payload: Path, prepare: Callable[[], Contents]) -> Contents:
        _require_whole(payload)
        connection.close()
        connection.settings_dict["NAME"] = str(payload)
        try:
            contents = prepare()
        finally:
            connection.close()
            connection.settings_dict["NAME"] = str(self.path)
        with closing(sqlite3.connect(payload)) as file:
            # Into the one file, for only that is renamed.
            file.execute("PRAGMA journal_mode=DELETE")
        self._take_the_place(payload)
        return contents

    def _take_the_place(self, fresh: Path) -> None:
        """Rename the old file, with its log, aside, and the new one into its place."""
        if self.path.exists():
            old = self.path.stat()
            fresh.chmod(old.st_mode & 0o777)
            if os.geteuid() == 0:
                os.chown(fresh, old.st_uid, old.st_gid)
        for part in _PARTS:
            aside = Path(f"{self.path}{BEFORE}{part}")
            aside.unlink(missing_ok=True)
            if Path(f"{self.path}{part}").exists():
                shutil.move(f"{self.path}{part}", aside)
        fresh.replace(self.path)
        sync_folder(self.path.parent)


def _require_whole(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as found:
            (verdict,) = found.execute("PRAGMA quick_check").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise CommandError(f"The backup's database is damaged: {verdict}.")
