"""What happened."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from accounts.admin.base import ReadOnly
from accounts.models import AuditEvent, User

# Generic for the type checker only.
if TYPE_CHECKING:
    _AuditAdmin = admin.ModelAdmin[AuditEvent]
else:
    _AuditAdmin = admin.ModelAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, _AuditAdmin):
    """What happened; nobody adds, changes or removes any of it."""

    list_display = ("number", "at", "kind", "user", "actor", "address", "told")
    list_filter = ("kind", "at")
    search_fields = ("kind", "address", "user_id", "actor_id")
    show_full_result_count = False
    ordering = ("-number",)
    fields = ("number", "at", "kind", "user", "actor", "address", "detail", "previous", "digest")
    readonly_fields = ("user", "actor")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        # By hand: events outlive the people whom they name.
        names = {
            column: Subquery(User.objects.filter(pk=OuterRef(f"{column}_id")).values("username"))
            for column in ("user", "actor")
        }
        return (
            super()
            .get_queryset(request)
            .annotate(user_name=names["user"], actor_name=names["actor"])
        )

    @admin.display(empty_value="")
    def user(self, event: Any) -> str | None:
        return event.user_name or (str(event.user_id) if event.user_id else None)

    @admin.display(empty_value="")
    def actor(self, event: Any) -> str | None:
        return event.actor_name or (str(event.actor_id) if event.actor_id else None)

    @admin.display(description="detail")
    def told(self, event: AuditEvent) -> str:
        return ", ".join(f"{name}: {value}" for name, value in event.detail.items())
