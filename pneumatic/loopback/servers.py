"""How a PostgreSQL and a Redis for tests are set up: fast, private, and never as root."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from pwd import struct_passwd

import psycopg
import redis

from pneumatic.loopback.binaries import Binary
from pneumatic.loopback.processes import (
    Server,
    StartError,
    as_account,
    free_port,
    start_server,
    unprivileged_account,
)

# A port may be taken between our finding it free and the server's binding it.
ATTEMPTS = 3
# A crash of the machine may lose a test's data: nobody minds, and tests run several times as fast.
POSTGRES_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
}


def start_postgres(
    binary: Binary, folder: Path, options: Mapping[str, str] = POSTGRES_OPTIONS
) -> tuple[Server, str]:
    """Start a new, empty PostgreSQL in `folder`; return it and the address of its database.

    `options` are its settings; those of tests lose data when the machine crashes. Raises
    `StartError` when this program won't do here.
    """
    account = own(folder)
    program = _reachable(binary.path, folder, account)
    data, password = folder / "data", secrets.token_urlsafe(16)
    password_file = private_file(folder / "password", password, account)
    _init_cluster(program.parent / "initdb", data, password_file, account)

    def attempt() -> tuple[Server, str]:
        port = free_port()
        places = {"port": str(port), "unix_socket_directories": str(folder)}
        url = f"postgresql://pneumatic:{password}@127.0.0.1:{port}"
        server = start_server(
            [program, "-D", data, *(f"-c{k}={v}" for k, v in {**options, **places}.items())],
            log=folder / "log",
            account=account,
            stop_signal=signal.SIGINT,  # "fast": doesn't wait for clients to leave
            death_signal=signal.SIGQUIT,  # "immediate"
            ready=lambda: postgres_answers(f"{url}/postgres"),
        )
        with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE pneumatic")
        return server, f"{url}/pneumatic"

    return _with_retries(attempt)


def start_redis(binary: Binary, folder: Path) -> tuple[Server, str]:
    """Start an empty Redis that never writes to disk; return it and its address.

    Raises `StartError` when this program won't do here.
    """
    account = own(folder)
    program = _reachable(binary.path, folder, account)
    password = secrets.token_urlsafe(16)

    def attempt() -> tuple[Server, str]:
        port = free_port()
        # A file, not arguments: those are for everyone on the machine to read.
        settings = ["bind 127.0.0.1", f"port {port}", f"dir {folder}", f"requirepass {password}"]
        settings += ['save ""', "appendonly no", "daemonize no"]
        file = private_file(folder / "redis.conf", "\n".join(settings), account)
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        server = start_server(
            [program, file],
            log=folder / "log",
            account=account,
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGKILL,
            ready=lambda: redis_answers(url),
        )
        return server, url

    return _with_retries(attempt)


def own(folder: Path) -> struct_passwd | None:
    """Give the folder to the account that servers run as, and return that (None: we ourselves)."""
    account = unprivileged_account()
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    return account


def _reachable(program: Path, folder: Path, account: struct_passwd | None) -> Path:
    """`program`, or a copy of it in `folder` where `account` can't get at the original.

    A virtual environment often stands in a home that only its owner may enter.
    """
    if account is None or all(parent.stat().st_mode & 0o001 for parent in program.parents):
        return program
    install = program.parent.parent
    package = install.parent
    copy = folder / package.name / install.name
    shutil.copytree(install, copy, symlinks=True)
    # Wheels keep shared libraries in a folder beside the package, found relative to the program.
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return copy / program.parent.name / program.name


def private_file(path: Path, content: str, account: struct_passwd | None) -> Path:
    """A file, written anew, that only this account may read."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(f"{content}\n")
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)
    return path


def _init_cluster(
    initdb: Path, data: Path, password_file: Path, account: struct_passwd | None
) -> None:
    command = [str(initdb), "-D", str(data), "-U", "pneumatic", "-E", "UTF8", "--no-sync"]
    command += ["-A", "scram-sha-256", f"--pwfile={password_file}"]
    output = ""
    # C.UTF-8 folds case beyond ASCII, as a production database does; not every build knows it.
    for locale in ("C.UTF-8", "C"):
        done = subprocess.run(
            [*command, f"--locale={locale}"],
            cwd=data.parent,
            capture_output=True,
            text=True,
            check=False,
            **as_account(account),
        )
        if done.returncode == 0:
            return
        output = done.stderr[-2000:]
        shutil.rmtree(data, ignore_errors=True)
    raise StartError(f"{initdb} failed:\n{output}")


def _with_retries(attempt: Callable[[], tuple[Server, str]]) -> tuple[Server, str]:
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except StartError as error:
            if "in use" not in str(error):
                raise
    return attempt()


def postgres_answers(url: str) -> bool:
    """Whether a PostgreSQL at `url` lets us in."""
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def redis_answers(url: str) -> bool:
    """Whether a Redis at `url` lets us in."""
    client = redis.Redis.from_url(url, socket_timeout=2, retry=None)
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
    finally:
        client.close()
