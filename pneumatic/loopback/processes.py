"""Starting a server for the length of a test run, so that it never outlives the run.

Three things see to that: the kernel signals the server when this process dies in any way (Linux),
an `atexit` handler stops it on a normal end, and folders left by killed runs are swept by the next.
"""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

FOLDER_PREFIX = "pneumatic-services-"
PR_SET_PDEATHSIG = 1
STOP_SECONDS = 10.0


class StartError(Exception):
    """A server did not start; the text says which, and holds the end of its log."""


class Server:
    """A running server process, and the signal that stops it quickly and cleanly."""

    def __init__(self, process: subprocess.Popen[bytes], *, stop_signal: signal.Signals) -> None:
        self.process = process
        self.stop_signal = stop_signal

    def stop(self) -> None:
        """Stop the server; kill it after `STOP_SECONDS`. Harmless when it is gone already."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_server(
    command: Sequence[str | Path],
    *,
    log: Path,
    account: pwd.struct_passwd | None,
    stop_signal: signal.Signals,
    death_signal: signal.Signals,
    ready: Callable[[], bool],
    seconds: float = 30.0,
) -> Server:
    """Start `command` as `account` (None: as we are) and wait until `ready()` says that it answers.

    Raises `StartError` when the server ends or is not ready within `seconds`.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            # Not Ctrl-C's business: the test run that owns the server stops it.
            start_new_session=True,
            preexec_fn=_die_with(death_signal),
            **as_account(account),
        )
    server = Server(process, stop_signal=stop_signal)
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            server.stop()
            raise StartError(
                f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}"
            )
        time.sleep(0.02)
    return server


def as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments for `subprocess` that make the child run as `account`; none for None."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def unprivileged_account() -> pwd.struct_passwd | None:
    """Whom to become for servers that refuse to run as root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StartError(
        "PostgreSQL refuses root, and there is no user `postgres` or `nobody` to become"
    )


def make_folder() -> Path:
    """A new temporary folder, after sweeping those of runs that were killed."""
    for old in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        pid = old.name.removeprefix(FOLDER_PREFIX).split("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-"))
    folder.chmod(0o711)  # Other accounts may pass through to a folder of theirs, not look around.
    return folder


def free_port() -> int:
    """A loopback port that nothing listens on now. Someone may take it before we do: retry then."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child runs before its program starts: ask the kernel to be signalled when we die."""
    if not sys.platform.startswith("linux"):
        return None
    # Loaded here, not in the child: after a fork, little is safe.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # It died before we asked.
            os.kill(os.getpid(), signal.SIGKILL)

    return ask


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
