"""Which of PostgreSQL's processes answers."""

from pneumatic.lib.database import asyncpostgres


async def backend() -> int:
    """That of the event loop's next statement."""
    ((found,),) = await asyncpostgres.rows("SELECT pg_backend_pid()", [])
    return int(found)
