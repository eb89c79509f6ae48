"""What the pages of accounts share."""

from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from accounts.models import User
from pneumatic.lib.http.doors import client_address

_M = TypeVar("_M", bound=Model)


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


def within_reach(request: HttpRequest, rows: QuerySet[_M], *, person: str = "") -> QuerySet[_M]:
    """The rows whose people the asker may change; ``person``: the lookup that leads to them.

    Superusers: all. Others: themselves, and who is none of the staff. Whoever could take over a
    colleague's account would have the colleague's permissions as well.
    """
    if is_superuser(request):
        return rows
    lookup = f"{person}__" if person else ""
    ordinary = Q(**{f"{lookup}is_staff": False, f"{lookup}is_superuser": False})
    return rows.filter(ordinary | Q(**{f"{lookup}pk": request.user.pk}))


def may_reach(request: HttpRequest, user: User) -> bool:
    """As ``within_reach``, for one person."""
    own = user.pk == request.user.pk
    return own or is_superuser(request) or not (user.is_staff or user.is_superuser)


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
