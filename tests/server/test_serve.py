"""`manage.py serve`: what it refuses, and how several processes serve as one."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from pneumatic.lib import serving as lock
from pneumatic.management.commands import serve
from pneumatic.server import draining, supervisor
from tests.server.person import Person
from tests.server.running import SERVE, Running, until

Serving = Callable[..., Running]


# --- What it refuses ----------------------------------------------------------------------------


@pytest.fixture
def served(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> Iterator[list[socket.socket]]:
    """The listening sockets on which `serve` would have served."""
    sockets: list[socket.socket] = []

    def take(listener: socket.socket) -> int:
        sockets.append(listener)
        listener.close()
        return 0

    monkeypatch.setattr(draining, "serve", take)
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(lock, "_held", [])
    settings.DATA_DIR, settings.HOST, settings.PORT = tmp_path, "127.0.0.1", 0
    yield sockets
    for file in lock._held:
        file.close()


def test_one_process_serves_by_itself(served: list[socket.socket]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("serve")
    assert (end.value.code, len(served)) == (0, 1)


def test_several_processes_without_redis_are_refused_with_why(
    settings: Any, served: list[socket.socket]
) -> None:
    settings.PROCESSES, settings.REDIS_URL = 2, ""
    with pytest.raises(CommandError, match="REDIS_URL"):
        call_command("serve")
    assert served == []


def test_serve_refuses_a_production_that_is_not_safe(
    settings: Any, served: list[socket.socket]
) -> None:
    settings.PRODUCTION, settings.DEBUG, settings.SECRET_KEY = True, True, "secret"
    with pytest.raises(CommandError, match=r"pneumatic\.E001"):
        call_command("serve")
    assert served == []


def test_a_port_that_is_taken_is_named(settings: Any, served: list[socket.socket]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings.PORT = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"port {settings.PORT}: Address already in use"):
            call_command("serve")
    assert served == []


def test_no_server_starts_while_a_backup_is_restored(served: list[socket.socket]) -> None:
    with lock.nobody() as alone:
        assert alone
        with pytest.raises(CommandError, match="being restored"):
            call_command("serve")
    assert served == []


def test_as_many_files_may_be_open_as_the_machine_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 65536))
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: asked.append(limit))
    lock.raise_open_files()
    assert asked == [(resource.RLIMIT_NOFILE, (65536, 65536))]


def test_several_processes_share_an_emptied_folder_of_metrics(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    settings.PROCESSES, settings.DATA_DIR = 2, tmp_path
    stale = tmp_path / "prometheus" / "counter_1.db"
    stale.parent.mkdir()
    stale.touch()
    monkeypatch.setattr(supervisor.Supervisor, "run", lambda _: 0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert serve._serve_together(listener) == 0
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(stale.parent)
    assert not stale.exists()


# --- Several processes --------------------------------------------------------------------------


def workers_of(server: Running) -> set[int]:
    """The ids of the server processes that run now."""
    pid = server.process.pid
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(each) for each in found}


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be buried doesn't."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.asyncio
async def test_f1_two_workers_share_a_port_and_one_that_dies_is_replaced(
    serving: Serving, redis_url: str
) -> None:
    server = serving(WEB_CONCURRENCY="2", REDIS_URL=redis_url, DRAIN_SECONDS="1").start()
    alice, bob = await Person(server, "alice").register(), await Person(server, "bob").register()
    group = await alice.group(bob)
    first = workers_of(server)
    assert len(first) == 2
    # Whichever process each is in: what one says, the others hear.
    sockets = [await each.socket() for each in (alice, bob) * 5]
    ack = await sockets[0].send(group, "hello, both")
    for each in sockets[1:]:
        await each.expect("message")
    assert ack["type"] == "ack"

    victim = min(first)
    os.kill(victim, signal.SIGKILL)
    await until(lambda: len(workers_of(server) - first) == 1)
    assert (await alice.post(group, "one is enough")).status_code == 201
    survivors = [asyncio.create_task(each.closed()) for each in sockets]
    await asyncio.sleep(2.5)
    server.terminate()
    assert set(await asyncio.gather(*survivors)) <= {1006, 1012}
    last = workers_of(server)
    assert await server.ended() == 0
    assert not any(is_alive(each) for each in first | last)
    assert len(server.stored()) == 2


@pytest.mark.slow
@pytest.mark.asyncio
async def test_f1_workers_do_not_outlive_a_killed_supervisor(
    serving: Serving, redis_url: str
) -> None:
    server = serving(WEB_CONCURRENCY="2", REDIS_URL=redis_url, DRAIN_SECONDS="1").start()
    alice = await Person(server, "alice").register()
    socket_of_alice = await alice.socket()
    workers = workers_of(server)
    server.process.kill()
    # Not just cut: they drain, as if they had been told to stop.
    assert await socket_of_alice.closed() == 1012
    await until(lambda: not any(is_alive(each) for each in workers), seconds=12)


@pytest.mark.slow
def test_workers_that_cannot_even_start_end_the_server(serving: Serving, redis_url: str) -> None:
    server = serving(
        WEB_CONCURRENCY="2", REDIS_URL=redis_url, ALLOWED_ORIGINS="no-origin", TRUSTED_PROXIES="0"
    )
    # The command itself is let through; what its processes import is not.
    done = subprocess.run(
        SERVE, env=server.environment, capture_output=True, text=True, timeout=40, check=False
    )
    assert done.returncode == 1
    assert "pneumatic.E007" in done.stderr
