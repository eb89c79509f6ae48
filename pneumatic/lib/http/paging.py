"""Pages of a list, by cursor."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.settings import api_settings

from pneumatic.lib.database.stretch import Stretch
from pneumatic.lib.errors import Invalid
from pneumatic.lib.http.serializers import StrictSerializer, parsed

#: Rows of a page: where the client doesn't say, and at most.
PAGE: Final = 50
PAGE_MAX: Final = 100


class PageQuery(StrictSerializer):
    """Which page of a list."""

    cursor = serializers.CharField(
        required=False, max_length=500, help_text="Out of `next` or `previous`."
    )
    limit = serializers.IntegerField(min_value=1, max_value=PAGE_MAX, default=PAGE)


class Page(NamedTuple):
    """Some rows, and the addresses of the next and the previous page."""

    rows: list[Any]
    next: str | None
    previous: str | None


@dataclass(frozen=True)
class _Read:
    """What the paginator takes for a QuerySet: it says which rows it wants, and they are read."""

    rows: Callable[[Stretch], list[Any]]
    stretch: Stretch

    def order_by(self, ordering: str) -> "_Read":
        return self._with(is_descending=ordering.startswith("-"))

    def filter(self, **beyond: str) -> "_Read":
        (position,) = beyond.values()
        return self._with(beyond=UUID(position))

    def __getitem__(self, part: slice) -> list[Any]:
        return self.rows(self.stretch._replace(first=part.start, most=part.stop - part.start))

    def _with(self, **change: Any) -> "_Read":
        return replace(self, stretch=self.stretch._replace(**change))


class ByUUID(CursorPagination):
    """Pages in the order of a UUID, which doesn't change while one turns them."""

    page_size = PAGE
    page_size_query_param = "limit"
    #: What else the query string may hold.
    query: type[PageQuery] = PageQuery

    def __init__(self, ordering: str) -> None:
        self.ordering = ordering

    def get_page_size(self, request: Request) -> int:
        size: int = asked(request, self.query)["limit"]
        return size

    def turn(
        self, rows: QuerySet[Any, Any] | Callable[[Stretch], list[Any]], request: Request
    ) -> Page:
        """The page of `rows`, or of those that it reads, that the request asks for."""
        source: Any = rows if isinstance(rows, QuerySet) else _Read(rows, Stretch())
        found: list[Any] = self.paginate_queryset(source, request) or []
        return Page(found, self.get_next_link(), self.get_previous_link())

    def decode_cursor(self, request: Request) -> Cursor | None:
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                UUID(str(cursor.position))
        except (NotFound, ValueError):
            problem = "is not one that an answer held"
            raise Invalid(f"cursor: {problem}", fields={"cursor": [problem]}) from None
        return cursor


def asked(request: Request, kind: type[StrictSerializer]) -> dict[str, Any]:
    """The query string, parsed; what is misspelt is refused by name, as in a body."""
    given = request.query_params.dict()
    given.pop(api_settings.URL_FORMAT_OVERRIDE or "", None)
    return parsed(kind(data=given))
