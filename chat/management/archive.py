"""A backup is one file: the database as its own tools dump it, and a manifest for it."""

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import msgspec
from django.core.management.base import CommandError

_FORMAT: Final = 1
_PRODUCT: Final = "pneumatic-chat"
_DATABASE: Final = "database"
_MANIFEST: Final = "manifest.json"
_CHUNK: Final = 1 << 20


class Contents(msgspec.Struct, frozen=True):
    """What is in a database, as far as people can check it."""

    epoch: str | None
    users: int
    conversations: int
    messages: int
    #: The migrations that were applied, as `app.name`.
    migrations: list[str]

    def __str__(self) -> str:
        counts = (self.users, "people"), (self.conversations, "conversations")
        return ", ".join(f"{count:,} {what}" for count, what in counts) + (
            f" and {self.messages:,} messages"
        )


class Manifest(msgspec.Struct, frozen=True):
    product: str
    format: int
    version: str
    created_at: str
    #: Django's name for the kind: `sqlite` or `postgresql`.
    database: str
    contents: Contents
    bytes: int
    sha256: str

    @classmethod
    def of(cls, file: zipfile.ZipFile) -> Self:
        manifest = msgspec.json.decode(file.read(_MANIFEST), type=cls)
        if (manifest.product, manifest.format) != (_PRODUCT, _FORMAT):
            raise ValueError("of another program, or of another time")
        return manifest


def write(
    path: Path,
    chunks: Iterable[bytes],
    contents: Callable[[], Contents],
    *,
    version: str,
    created_at: str,
    database: str,
    force: bool,
) -> Manifest:
    """Make the file, whole or not at all, readable by its owner only.

    `contents` is asked after the last chunk. Raises `FileExistsError` where the file exists and
    may not be replaced.
    """
    if path.exists() and not force:
        raise FileExistsError(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as file:
                digest, size = hashlib.sha256(), 0
                with file.open(_DATABASE, "w", force_zip64=True) as payload:
                    for chunk in chunks:
                        payload.write(chunk)
                        digest.update(chunk)
                        size += len(chunk)
                manifest = Manifest(
                    product=_PRODUCT,
                    format=_FORMAT,
                    version=version,
                    created_at=created_at,
                    database=database,
                    contents=contents(),
                    bytes=size,
                    sha256=digest.hexdigest(),
                )
                text = msgspec.json.format(msgspec.json.encode(manifest))
                file.writestr(_MANIFEST, text)
            raw.flush()
            os.fsync(raw.fileno())
        if force:
            part.replace(path)
        else:
            # Unlike a rename this fails where somebody has made the file meanwhile.
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)
    return manifest


@contextmanager
def opened(path: Path) -> Iterator[tuple[Manifest, Callable[[Path], None]]]:
    """The manifest, and a function that writes the database to a new file.

    That function raises `CommandError` where the database is not what the manifest vouches for.
    """
    try:
        with zipfile.ZipFile(path) as file:
            manifest = Manifest.of(file)
            yield manifest, lambda target: _extract(file, manifest, target)
    except FileNotFoundError:
        raise CommandError(f"There is no file {path}.") from None
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise CommandError(f"{path} is no whole backup of this program: {error}.") from error


def _extract(file: zipfile.ZipFile, manifest: Manifest, target: Path) -> None:
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as out, file.open(_DATABASE) as payload:
        while chunk := payload.read(_CHUNK):
            out.write(chunk)
            digest.update(chunk)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != manifest.sha256 or target.stat().st_size != manifest.bytes:
        raise CommandError("The backup is damaged: its database is not what its manifest says.")


def sync_folder(folder: Path) -> None:
    """Make the names of a folder's files last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
