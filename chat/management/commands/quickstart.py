"""`manage.py quickstart`, the command behind `make run`."""

import logging
import socket
import sys
from typing import Any, NoReturn

from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from django.conf import settings
from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from accounts.models import User
from chat import limits
from chat.management import demo
from pneumatic.lib import serving

# Autobahn holds what is sent to this limit too, and one sync frame may be large.
_MESSAGE_BYTES = 8 * 1024 * 1024
_FRAME_BYTES = 2 * limits.FRAME_BYTES
_ANYWHERE = {"127.0.0.1", "0.0.0.0", "::", "::1"}  # noqa: S104


class Command(BaseCommand):
    help = "Set everything up and serve, to try it out or to work on it. Not for production."
    requires_system_checks = (Tags.security,)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("quickstart is for trying it out; in production use serve.")
        if settings.PROCESSES > 1:
            raise CommandError("quickstart is one process; unset WEB_CONCURRENCY, or use serve.")
        _refuse_taken_port()
        serving.raise_open_files()
        try:
            # Before anything is written: a restore replaces all of it.
            serving.announce()
        except serving.DataInUse as error:
            raise CommandError(str(error)) from error
        _migrate_if_needed()
        if not User.objects.exists():
            # What the audit trail says of the demo's people is nothing to begin with.
            logging.getLogger("accounts.actions.audit").setLevel(logging.WARNING)
            try:
                demo.plant()
            finally:
                logging.getLogger("accounts.actions.audit").setLevel(logging.NOTSET)
        has_demo = demo.is_planted()
        connections.close_all()
        # Its own words about listening come before the port is bound.
        logging.getLogger("daphne").setLevel(logging.WARNING)
        _DevelopmentServer(lambda: self.stdout.write(_welcome(has_demo))).serve()


class _DevelopmentServer(Server):  # type: ignore[misc]  # Daphne has no types
    """Daphne on HOST and PORT, that says so once it is true."""

    def __init__(self, on_listening: Any) -> None:
        self._on_listening = on_listening
        self._failed = False
        super().__init__(
            application=import_string(settings.ASGI_APPLICATION),
            endpoints=build_endpoint_description_strings(host=settings.HOST, port=settings.PORT),
            verbosity=0,
            websocket_max_message_size=_MESSAGE_BYTES,
            websocket_max_frame_size=_FRAME_BYTES,
            # A socket's own rules end it, not its age.
            websocket_timeout=-1,
            application_close_timeout=2,
            server_name="",
        )

    def serve(self) -> None:
        """Until Ctrl-C; exits with 1 where the port could not be had."""
        self.run()
        if self._failed:
            _exit_port_taken()

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        # A frame too large for Daphne itself: say so, rather than drop the connection. Named again
        # because left out it would turn to False: origins are judged by chat.ws.origin alone.
        self.ws_factory.setProtocolOptions(failByDrop=False, allowNullOrigin=True)
        self._on_listening()

    def listen_error(self, failure: Any) -> None:
        self._failed = True
        self.stop()


def _refuse_taken_port() -> None:
    """At once, before anything is set up; somebody may still be faster than Daphne."""
    try:
        socket.create_server(
            (settings.HOST, settings.PORT),
            family=socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET,
        ).close()
    except OSError:
        _exit_port_taken()


def _exit_port_taken() -> NoReturn:
    sys.exit(
        f"Can't listen on {settings.HOST}: port {settings.PORT} is in use; set PORT=… to another."
    )


def _migrate_if_needed() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def _welcome(has_demo: bool) -> str:
    host = "localhost" if settings.HOST in _ANYWHERE else settings.HOST
    lines = ["", f"  Pneumatic Chat {settings.VERSION} · http://{host}:{settings.PORT}/", ""]
    if has_demo:
        lines += [
            "  Sign in as alice, bob, carol or dave,",
            f"  each with the password {demo.PASSWORD}; or register.",
            "",
        ]
    lines += [
        "  This is a development server, not for production: see docs/deployment.md.",
        f"  Listening on {settings.HOST}:{settings.PORT}. Ctrl-C stops it.",
        "",
    ]
    return "\n".join(lines)
