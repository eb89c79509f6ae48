"""Queries that Django puts into SQL once, and not anew for everybody who asks.

To do that takes it one to three milliseconds of CPU, several times what all the rest of such a
question takes. The query is still said in Django's terms, in one place, and its SQL is Django's.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from django.db import connection
from django.db.models import Expression, Field, Model, QuerySet

from pneumatic.lib.database.postgres import one_statement

M = TypeVar("M", bound=Model)


class Given(Expression):
    """Holds the place of a value that is known when the query is asked."""

    def __init__(self, name: str, kind: "Field[Any, Any]") -> None:
        super().__init__(output_field=kind)
        self.name: Final = name
        self.kind: Final = kind

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


class Written:
    """A query, made by `values_list` and with `Given` in it, that is ready to be asked.

    It is one statement, which each connection has parsed once. How many rows of it are wanted is
    not said in the query, but when it is asked.
    """

    def __init__(self, query: QuerySet[Any, Any]) -> None:
        compiler = query.query.get_compiler(connection=connection)
        self._sql, self._parameters = compiler.as_sql()
        # Where the database has no type of its own for what Django reads.
        self._converters = compiler.get_converters([column for column, *_ in compiler.select])

    def rows(
        self, given: Mapping[str, Any], *, most: int | None = None, first: int = 0
    ) -> list[tuple[Any, ...]]:
        """What it finds for these values: at most so many rows, from a number on."""
        parameters = [
            each.kind.get_db_prep_value(given[each.name], connection)
            if isinstance(each, Given)
            else each
            for each in self._parameters
        ]
        if most is None:
            return self._read(one_statement(connection, self._sql, parameters))
        part = f"{self._sql} LIMIT %s OFFSET %s"
        return self._read(one_statement(connection, part, [*parameters, most, first]))

    def _read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        if not self._converters:
            return rows
        found = []
        for row in rows:
            values = list(row)
            for place, (converters, column) in self._converters.items():
                for convert in converters:
                    values[place] = convert(values[place], column, connection)
            found.append(tuple(values))
        return found


@cache
def columns_of(model: type[Model], through: str = "") -> tuple[str, ...]:
    """All that a model keeps, in the words of `values_list`; of the one behind a relation."""
    way = f"{through}__" if through else ""
    return tuple(f"{way}{field.attname}" for field in model._meta.concrete_fields)


def model_of(model: type[M], values: Sequence[Any]) -> M:
    """The model that these values, of its `columns_of`, are kept for."""
    return model.from_db(connection.alias, columns_of(model), values)
