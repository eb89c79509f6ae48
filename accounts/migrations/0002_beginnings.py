from typing import Any

from django.db import migrations

#: They serve `accounts.queries.search_people`. With these operator classes, because an index in the
#: order of a language knows no beginnings; in SQL, because SQLite has no such classes.
_INDEXES = {"user_username_begins": "username", "user_display_name_begins": "display_name"}


def create(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for name, column in _INDEXES.items():
            schema_editor.execute(
                f"CREATE INDEX {name} ON accounts_user (LOWER({column}) text_pattern_ops)"
            )


def drop(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for name in _INDEXES:
            schema_editor.execute(f"DROP INDEX {name}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
