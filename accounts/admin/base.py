"""What the pages of accounts share."""

from typing import Any

from django.http import HttpRequest

from pneumatic.lib.http import client_address


class ReadOnly:
    """Rows that only actions make, change and end."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def by(request: HttpRequest) -> dict[str, Any]:
    """Who does it, and from where."""
    return {"actor": request.user, "address": client_address(request)}


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
