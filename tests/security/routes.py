"""Every address of the server, read from its URL table."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import get_resolver
from django.urls.resolvers import URLPattern

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Route(NamedTuple):
    """An address with placeholders, as it stands in the URL table."""

    address: str

    @property
    def is_admin(self) -> bool:
        return self.address.startswith(settings.ADMIN_PATH)

    def path(self, values: Mapping[str, Any]) -> str:
        """The address with its placeholders filled in."""

        def value(match: re.Match[str]) -> str:
            name = match[0].strip("<>").rpartition(":")[2]
            return str(values.get(name, "1"))

        return "/" + re.sub(r"<[^>]+>", value, self.address)


def routes() -> Iterator[Route]:
    """All of them, each once."""
    seen: set[str] = set()
    for address in _addresses(get_resolver().url_patterns, ""):
        if address not in seen:
            seen.add(address)
            yield Route(address)


def _addresses(patterns: Any, before: str) -> Iterator[str]:
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield address
        else:
            yield from _addresses(pattern.url_patterns, address)
