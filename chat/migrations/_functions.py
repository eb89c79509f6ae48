"""Functions that PostgreSQL keeps; on any other database there are none."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def function(create: str, drop: str) -> migrations.RunPython:
    """Make the function of the first statement, or undo that by the second."""

    def on_postgres(sql: str) -> Any:
        def execute(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            if schema_editor.connection.vendor == "postgresql":
                schema_editor.execute(sql, params=None)

        return execute

    return migrations.RunPython(on_postgres(create), on_postgres(drop))
