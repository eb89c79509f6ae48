"""PostgreSQL: dumped by pg_dump, restored by pg_restore and psql in a single transaction."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection, connections

from chat.management.archive import Contents
from chat.management.databases import read_contents
from chat.models import History

_CHUNK: Final = 1 << 20
_OTHERS: Final = (
    " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)
# Everything of ours goes, also what the dump doesn't know yet; extensions' own things stay.
_EMPTY: Final = """
DO $empty$
DECLARE thing record;
BEGIN
  FOR thing IN
    SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
        WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END AS kind,
        format('public.%I', relname) AS name, 'pg_class'::regclass AS class, oid,
        -- A sequence goes with its table, if it has one.
        relkind = 'S' AS late
      FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL SELECT 'ROUTINE', oid::regprocedure::text, 'pg_proc'::regclass, oid, true
      FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'TYPE', format('public.%I', typname), 'pg_type'::regclass, oid, true
      FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e')
    ORDER BY late
  LOOP
    CONTINUE WHEN EXISTS (SELECT 1 FROM pg_depend
      WHERE classid = thing.class AND objid = thing.oid AND deptype = 'e');
    EXECUTE format('DROP %s IF EXISTS %s CASCADE', thing.kind, thing.name);
  END LOOP;
END
$empty$;
"""


class Postgres:
    def __init__(self) -> None:
        self._contents: Contents | None = None

    def dump(self) -> Iterator[bytes]:
        program = _program("pg_dump")
        with (
            psycopg.connect(**_address()) as reader,
            tempfile.TemporaryFile() as complaints,
        ):
            reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            # What is counted is what is dumped, to the row.
            snapshot = _rows(reader, "SELECT pg_export_snapshot()")[0][0]
            self._contents = read_contents(lambda sql: _rows(reader, sql))
            command = [program, "--format=custom", "--no-owner", "--no-privileges"]
            with subprocess.Popen(  # noqa: S603
                [*command, "--schema=public", f"--snapshot={snapshot}"],
                env=_environment(),
                stdout=subprocess.PIPE,
                stderr=complaints,
            ) as process:
                assert process.stdout is not None  # noqa: S101
                while chunk := process.stdout.read(_CHUNK):
                    yield chunk
            if process.returncode:
                complaints.seek(0)
                raise CommandError(f"pg_dump failed: {complaints.read().decode().strip()}")

    def contents(self) -> Contents:
        assert self._contents is not None  # noqa: S101
        return self._contents

    def users(self) -> list[str]:
        self._let_go()
        with psycopg.connect(**_address()) as own:
            rows = _rows(own, f"SELECT usename, client_addr, application_name{_OTHERS}")
        return [" ".join(str(each) for each in row if each) for row in rows]

    def put_out(self) -> None:
        with psycopg.connect(**_address()) as own:
            _rows(own, f"SELECT pg_terminate_backend(pid){_OTHERS}")

    def workplace(self) -> Path | None:
        return None

    def restore(self, payload: Path, prepare: Callable[[], Contents]) -> Contents:
        self._let_go()
        empty, script, last = (payload.with_name(name) for name in ("empty", "script", "last"))
        empty.write_text(_EMPTY)
        _run("pg_restore", "--no-owner", "--schema=public", f"--file={script}", str(payload))
        # Without a name for its history: whoever needs one makes a new one, even should this
        # command get no further.
        last.write_text(f"DELETE FROM public.{History._meta.db_table};\n")  # noqa: S608
        files = (f"--file={each}" for each in (empty, script, last))
        _run("psql", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", *files)
        return prepare()

    @staticmethod
    def _let_go() -> None:
        """Have no connection ourselves: neither to be counted nor to be in the way."""
        connections.close_all()
        if getattr(connection, "pool", None):
            connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's only


def _run(name: str, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603
        [_program(name), *arguments],
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip()[-2000:]
        raise CommandError(f"Nothing was changed, because {name} failed: {said}")


def _rows(reader: "psycopg.Connection[Any]", sql: str) -> list[tuple[Any, ...]]:
    return list(reader.execute(sql.encode()).fetchall())


def _address() -> dict[str, Any]:
    """Where the database is, as libpq knows it; without the servers' limits of time."""
    known = {each.keyword.decode() for each in psycopg.pq.Conninfo.get_defaults()}
    parameters = connection.get_connection_params()
    return {
        name: value for name, value in parameters.items() if name in known and name != "options"
    }


def _environment() -> dict[str, str]:
    """The same for PostgreSQL's programs: on their command lines everyone could read it."""
    variables = {
        each.keyword.decode(): each.envvar.decode()
        for each in psycopg.pq.Conninfo.get_defaults()
        if each.envvar
    }
    given = {variables[name]: str(value) for name, value in _address().items() if name in variables}
    return {**os.environ, "PGOPTIONS": "-c lock_timeout=10s", **given}


def _program(name: str) -> str:
    found = shutil.which(name, path=settings.PG_BIN or None)
    if found is None:
        where = f"in PG_BIN ({settings.PG_BIN})" if settings.PG_BIN else "on PATH"
        raise CommandError(
            f"{name} was not found {where}. Install PostgreSQL's client programs, of the server's "
            "version or newer, or set PG_BIN to their folder."
        )
    return found
