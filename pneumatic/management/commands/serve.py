"""`manage.py serve`, the production server as every deployment starts it."""

import os
import socket
import sys
from argparse import SUPPRESS, ArgumentParser
from pathlib import Path
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError

from pneumatic.lib import serving
from pneumatic.server import draining, supervisor

log = structlog.get_logger(__name__)
#: Seconds that something sent may wait for its reader to take any of it. Then the kernel ends the
#: connection: a reader who takes nothing doesn't take the goodbye either.
UNREAD_SECONDS: Final = 20


class Command(BaseCommand):
    help = "Serve with uvicorn on HOST and PORT, in WEB_CONCURRENCY processes."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        # One of several processes: descriptors of the listening socket, and of the pipe that ends
        # with the supervisor.
        parser.add_argument("--worker", nargs=2, type=int, metavar="FD", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["worker"]:
            listener, lifeline = options["worker"]
            supervisor.end_with(lifeline)
            sys.exit(draining.serve(socket.socket(fileno=listener)))
        if settings.PROCESSES > 1 and not settings.REDIS_URL:
            raise CommandError(
                f"WEB_CONCURRENCY={settings.PROCESSES} needs REDIS_URL: without it each process "
                "would be a world of its own, and people in different ones would not hear from "
                "each other."
            )
        # An error here ends the command, before anybody meets the mistake. What `check --deploy`
        # would say is not asked: behind a proxy of one's own without TLS, one may serve.
        self.check(tags=None if settings.PRODUCTION else [Tags.security])
        serving.raise_open_files()
        try:
            serving.announce()
        except serving.DataInUse as error:
            raise CommandError(str(error)) from error
        listener = _listen()
        log.info("serving", host=settings.HOST, port=settings.PORT, processes=settings.PROCESSES)
        one = settings.PROCESSES == 1
        sys.exit(draining.serve(listener) if one else _serve_together(listener))


def _serve_together(listener: socket.socket) -> int:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_empty_metrics_folder())
    return supervisor.Supervisor(
        # As we were started ourselves, whatever stands between Python and `serve`.
        [sys.executable, *sys.orig_argv[1:], "--worker"],
        listener,
        count=settings.PROCESSES,
        # They end themselves before.
        patience=settings.DRAIN_SECONDS + draining.GRACE_SECONDS + 2,
    ).run()


def _listen() -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(
            settings.HOST, settings.PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address[:2], family=family, backlog=draining.BACKLOG)
    except OSError as error:
        raise CommandError(
            f"Can't listen on {settings.HOST}, port {settings.PORT}: {error.strerror or error}. "
            "Set HOST and PORT to an address of this machine that is free."
        ) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; what it accepts inherits it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
    return listener


def _empty_metrics_folder() -> Path:
    """Where the processes' numbers meet; those of the last run would be counted again."""
    folder = Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR") or settings.DATA_DIR / "prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink()
    return folder
