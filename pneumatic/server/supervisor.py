"""Several server processes behind one port: started, replaced when one dies, stopped together."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Final

import structlog
from prometheus_client.multiprocess import mark_process_dead

log = structlog.get_logger(__name__)

_TICK_SECONDS: Final = 0.1
#: One that lived shorter is started again only after a pause, which doubles each time.
_SHORT_LIFE_SECONDS: Final = 10.0
_LONGEST_PAUSE_SECONDS: Final = 10.0


class Supervisor:
    """Keeps ``count`` processes of ``command`` alive on ``listener`` until SIGTERM or SIGINT.

    Each gets two more arguments: the descriptors of the listening socket, and of a pipe that ends
    when this process does, however that comes about. ``patience``: seconds for them to stop.
    """

    def __init__(
        self, command: Sequence[str], listener: socket.socket, *, count: int, patience: float
    ) -> None:
        self._command = command
        self._listener = listener
        self._patience = patience
        self._stopping = False
        self._lifeline, self._held_open = os.pipe()
        self._workers: list[_Worker] = [_Worker() for _ in range(count)]

    def run(self) -> int:
        """Until told to stop; 0 where all stopped cleanly, else 1."""
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._on_signal)
        while not self._stopping:
            for worker in self._workers:
                if not self._keep_alive(worker):
                    self._stop()
                    return 1
            time.sleep(_TICK_SECONDS)
        return self._stop()

    def _on_signal(self, sig: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _keep_alive(self, worker: "_Worker") -> bool:
        """Start the process where it doesn't run; False when it can't even start once."""
        status = worker.status()
        if status is None:
            return True
        if worker.process is not None:
            log.error("worker_ended", pid=worker.process.pid, status=status)
            _forget_gauges(worker.process.pid)
            if worker.starts == 1 and status > 0 and worker.lived_short():
                # Not killed, but ended by itself: the next one would do the same.
                return False
            worker.process = None
        if time.monotonic() >= worker.not_before:
            self._start(worker)
        return True

    def _start(self, worker: "_Worker") -> None:
        descriptors = (self._listener.fileno(), self._lifeline)
        worker.started(
            subprocess.Popen(  # noqa: S603
                [*self._command, *(str(each) for each in descriptors)], pass_fds=descriptors
            )
        )

    def _stop(self) -> int:
        self._listener.close()
        running = [each.process for each in self._workers if each.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._patience
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("worker_killed", pid=process.pid)
                process.kill()
                process.wait()
        # One that was still starting had nothing to finish, and ends by the signal itself.
        return 0 if all(each.returncode in (0, -signal.SIGTERM) for each in running) else 1


class _Worker:
    """A place for one process, and when it may be filled again."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.not_before = 0.0
        self._started_at = 0.0
        self._pause = 0.0

    def started(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.starts += 1
        self._started_at = time.monotonic()

    def status(self) -> int | None:
        """None while it runs; its exit status, or 0 where there is none yet."""
        if self.process is None:
            return 0
        status = self.process.poll()
        if status is not None:
            longer = min(_LONGEST_PAUSE_SECONDS, max(0.5, 2 * self._pause))
            self._pause = longer if self.lived_short() else 0.0
            self.not_before = time.monotonic() + self._pause
        return status

    def lived_short(self) -> bool:
        return time.monotonic() < self._started_at + _SHORT_LIFE_SECONDS


def end_with(lifeline: int) -> None:
    """Drain this process when the other end of ``lifeline`` closes: its supervisor is gone."""

    def watch() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _forget_gauges(pid: int) -> None:
    """Count what a dead process had open no longer."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
