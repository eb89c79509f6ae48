"""Prosody, an XMPP server, with people: what our latency is measured beside."""

import re
import secrets
import shutil
import signal
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from bench.rig.machine import cores, pinned
from bench.rig.processes import Generator, answers, kill
from bench.rig.stores import Stores, rows_of
from pneumatic.loopback.processes import free_port, start_server
from pneumatic.loopback.servers import own, private_file

DOMAIN: Final = "localhost"
#: Nothing but what one to one needs, so that it is as fast as it can be. Only the archive is in
#: PostgreSQL: with everything there, `mod_mam` would also ask there for the preferences of whoever
#: receives a message.
_CONFIGURATION: Final = """
log = {{ info = "*console" }}
data_path = "{data}"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
modules_enabled = {{ "roster", "saslauth", "mam" }}
modules_disabled = {{ "s2s" }}
default_archive_policy = true
storage = {{ archive = "sql" }}
sql = {{
  driver = "PostgreSQL", host = "{sql.hostname}", port = {sql.port},
  database = "{name}", username = "{sql.username}", password = "{sql.password}"
}}
VirtualHost "{domain}"
"""
_VERSION: Final = re.compile(r"Prosody version (\S+)")


def find_prosody() -> Path | None:
    """The program; None where it isn't installed (bench/README.md)."""
    found = shutil.which("prosody")
    return Path(found) if found else None


class Prosody:
    """One process of it on a new database; ends with the stack that it was made on."""

    #: Rows of a message: one in the archive of each of the two, each in a transaction of its own.
    #: `mod_mam` waits for both before the message goes on.
    copies = 2

    def __init__(self, stack: ExitStack, stores: Stores, program: Path, *, people: int) -> None:
        """Start it. Raises `StartError`."""
        self._stack = stack
        self._folder = stores.folder / "prosody"
        self._folder.mkdir()
        self._database = stores.new_database()
        self._people = [f"p{number}" for number in range(people)]
        self._password = secrets.token_urlsafe(16)
        self._port = free_port()
        self._log = self._folder / "log"
        self._start(program)
        version = _VERSION.search(self._log.read_text(errors="replace"))
        self.version = version[1] if version else "?"

    def _start(self, program: Path) -> None:
        account = own(self._folder)
        data = self._folder / "data"
        accounts = data / DOMAIN / "accounts"
        accounts.mkdir(parents=True)
        for place in (data, accounts.parent, accounts):
            own(place)
        for person in self._people:
            # As `prosodyctl register` leaves it.
            entry = f'return {{ ["password"] = "{self._password}"; }};'
            private_file(accounts / f"{person}.dat", entry, account)
        text = configuration(data, self._port, self._database)
        file = private_file(self._folder / "prosody.cfg.lua", text, account)
        with pinned(cores()[0]):
            server = start_server(
                [program, "--config", file, "-F"],
                log=self._log,
                account=account,
                stop_signal=signal.SIGTERM,
                death_signal=signal.SIGKILL,
                ready=partial(answers, self._port),
            )
        self._stack.callback(kill, server)
        self._pid = server.process.pid

    def generator(self) -> Generator:
        """A generator with everybody's device; neighbours are a pair and write to each other."""
        devices = [
            {
                "port": self._port,
                "domain": DOMAIN,
                "user": person,
                "password": self._password,
                "conversation": f"{self._people[number ^ 1]}@{DOMAIN}",
            }
            for number, person in enumerate(self._people)
        ]
        # Nobody hears their own message again, and nothing is acknowledged.
        plan = {"devices": devices, "group": 1, "acks": False, "server_pids": [self._pid]}
        found = Generator(self._folder, "pairs", plan)
        self._stack.callback(found.close)
        return found

    def stored(self) -> int:
        """Rows of the archive, which is made with the first message. Raises `RuntimeError`."""
        try:
            return rows_of(self._database, "prosodyarchive")
        except psycopg.errors.UndefinedTable:
            said = self._log.read_text(errors="replace")[-2000:]
            raise RuntimeError(
                f"Prosody kept no archive (is lua-dbi-postgresql installed?):\n{said}"
            ) from None


def configuration(data: Path, port: int, database_url: str) -> str:
    """Its file: an archive of everything in this database, on loopback, without TLS."""
    sql = urlsplit(database_url)
    name = sql.path.removeprefix("/")
    return _CONFIGURATION.format(data=data, port=port, sql=sql, name=name, domain=DOMAIN)
