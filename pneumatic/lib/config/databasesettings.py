"""How connections to the database behave: nobody waits long, and what is committed stays."""

from typing import Any

Database = dict[str, Any]


def is_sqlite(database: Database) -> bool:
    """Whether these settings of Django's are of an SQLite file."""
    return str(database["ENGINE"]).endswith("sqlite3")


def configured(database: Database, *, pool: int) -> Database:
    """What an address said, with all that it doesn't say; on PostgreSQL so many connections."""
    if is_sqlite(database):
        return {**database, "OPTIONS": _sqlite()}
    # Under ASGI a connection that outlives its request is one that nobody finds again: the pool
    # keeps them instead, one pool a process.
    return {**database, "CONN_MAX_AGE": 0, "OPTIONS": _postgres(database["OPTIONS"], pool)}


def _sqlite() -> dict[str, Any]:
    return {
        # A transaction takes the write lock when it begins: a read that turns into a write later
        # would fail with "database is locked" instead of waiting its turn.
        "transaction_mode": "IMMEDIATE",
        # As long as a person waits, in each of the two: how long another writer is waited for.
        "timeout": 5,
        # FULL: with a write-ahead log, NORMAL could lose the last commits when the power fails.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        " PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;",
    }


def _postgres(told: dict[str, Any], pool: int) -> dict[str, Any]:
    # Needs psycopg, which SQLite doesn't.
    from pneumatic.lib.database.postgres import PatientConnection

    return {
        "pool": {
            "connection_class": PatientConnection,
            "min_size": 1,
            "max_size": pool,
            # How long a connection is waited for. What is left of five seconds is for what is asked
            # then: `pneumatic.lib.database.postgres` sees to it.
            "timeout": 4,
            # More than these wait for nothing: their turn would come too late.
            "max_waiting": 256,
            # Given up soon, and begun anew with the next request: the pool's own pauses between
            # attempts double, and would outlast the end of an outage by as long as it lasted.
            "reconnect_timeout": 2,
        },
        "connect_timeout": 3,
        # A server that vanished without a word (power, network) is found out, too.
        "keepalives_idle": 3,
        "keepalives_interval": 1,
        "keepalives_count": 2,
        "tcp_user_timeout": 5000,
        # For those statements alone that ask for it: Django's own aren't prepared.
        "prepare_threshold": 5,
        **told,
        # What the address says comes later and wins, but for the last: what is acknowledged is on
        # the disk, whatever the server's own setting is.
        "options": "-c statement_timeout=15000 -c lock_timeout=3000"
        # One device is in three conversations and the next in a thousand: a plan that is kept for
        # all is the wrong one for many. Our functions, which find by key, keep theirs.
        " -c plan_cache_mode=force_custom_plan"
        # To compile what looks dear takes longer than to do it: half a second, measured, for eight
        # people in a thousand conversations each, who are answered in 30 ms.
        " -c jit=off"
        " -c idle_in_transaction_session_timeout=30000"
        f" {told.get('options', '')} -c synchronous_commit=on",
    }
