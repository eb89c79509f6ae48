"""Whether this process is up (``/healthz``) and should get traffic (``/readyz``)."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from pneumatic.lib import metrics
from pneumatic.lib.database.postgres import patience
from pneumatic.lib.database.threads import SECONDS
from pneumatic.lib.http import strictjson
from pneumatic.lib.shared import redisscript

log = structlog.get_logger(__name__)

TIMEOUT: Final = 2.0

_draining = False
_migrated = False
_threads = ThreadPoolExecutor(3, thread_name_prefix="health")
_lock = threading.Lock()
_running: dict[str, "Future[float]"] = {}


def start_draining() -> None:
    """From now on ``/readyz`` says 503: this process is about to stop."""
    global _draining
    _draining = True


def is_draining() -> bool:
    """Whether this process is about to stop."""
    return _draining


def reset() -> None:
    """Forget draining and that the migrations were complete: for tests."""
    global _draining, _migrated
    _draining = _migrated = False


def alive(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


def ready(request: HttpRequest) -> HttpResponse:
    """The status, and to operators each check as ``{"ok", "ms"}``.

    503 when draining or without a usable database.

    Without the channel layer the answer is 200 and ``degraded``: messages are still taken, stored
    and caught up with, only not pushed.
    """
    checks = _run({"database": _database, "migrations": _migrations, "channel_layer": _layer})
    if _draining:
        status = "draining"
    elif not (checks["database"]["ok"] and checks["migrations"]["ok"]):
        status = "unavailable"
    else:
        status = "ok" if checks["channel_layer"]["ok"] else "degraded"
    # What it runs on, and how fast that is, is nothing to strangers.
    details = {"checks": checks} if metrics.from_operator(request) else {}
    return HttpResponse(
        strictjson.encode({"status": status, **details}),
        status=200 if status in ("ok", "degraded") else 503,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _run(checks: dict[str, Callable[[], None]]) -> dict[str, dict[str, Any]]:
    """All at once and within TIMEOUT; a check that still runs is waited for, not doubled."""
    deadline = time.monotonic() + TIMEOUT
    with _lock:
        for name, check in checks.items():
            if name not in _running or _running[name].done():
                _running[name] = _threads.submit(_timed, check)
        futures = {name: _running[name] for name in checks}
    results: dict[str, dict[str, Any]] = {}
    for name, future in futures.items():
        try:
            ms = future.result(max(0.0, deadline - time.monotonic()))
            results[name] = {"ok": True, "ms": ms}
        except Exception as error:  # whatever a driver raises
            # The kind goes to the log alone: names of the inside are nobody else's business.
            log.warning("not_ready", check=name, error=repr(error))
            results[name] = {"ok": False, "ms": None}
    return results


def _timed(check: Callable[[], None]) -> float:
    """How many milliseconds ``check`` took; raises what it raises."""
    started = time.perf_counter()
    try:
        with patience(SECONDS):
            check()
    finally:
        connections.close_all()
    return round((time.perf_counter() - started) * 1000, 1)


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def _migrations() -> None:
    """Raises while some are missing; once they are complete they stay so for this process."""
    global _migrated
    if _migrated:
        return
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise RuntimeError(f"{len(missing)} migrations are missing")
    _migrated = True


def _layer() -> None:
    if settings.REDIS_URL:
        redisscript.ping()
