"""Devices, and accounts at providers, by which people come in."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import actions
from accounts.actions.identities import unlink_identity
from accounts.admin.base import ReadOnly, by, within_reach
from accounts.models import Identity, Session, User

# Generic for the type checker only.
if TYPE_CHECKING:
    _SessionAdmin = admin.ModelAdmin[Session]
    _IdentityAdmin = admin.ModelAdmin[Identity]
    _SessionInline = admin.TabularInline[Session, User]
else:
    _IdentityAdmin = _SessionAdmin = admin.ModelAdmin
    _SessionInline = admin.TabularInline

SESSION_FIELDS = ("device", "address", "created_at", "last_used_at", "expires_at")


class SessionInline(ReadOnly, _SessionInline):
    """A person's devices; ended ones among them, with why."""

    model = Session
    fields = readonly_fields = (*SESSION_FIELDS, "revoked_at", "revoked_reason")
    extra = 0
    show_change_link = True


class StateFilter(admin.SimpleListFilter):
    """Signed in or not; by why it ended, there is a filter of its own."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "signed in"), ("ended", "ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if self.value() in {"active", "ended"}:
            return queryset.filter(revoked_at__isnull=self.value() == "active")
        return None


@admin.register(Identity)
class IdentityAdmin(ReadOnly, _IdentityAdmin):
    """Which accounts at the provider of single sign-on sign in whom."""

    list_display = ("user", "issuer", "subject", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email", "subject")
    show_full_result_count = False
    fields = list_display
    actions = ("unlink",)

    def has_unlink_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_identity")

    @admin.action(description="Unlink from these people", permissions=["unlink"])
    def unlink(self, request: HttpRequest, queryset: QuerySet[Identity]) -> None:
        identities = list(within_reach(request, queryset, person="user"))
        for identity in identities:
            unlink_identity(identity=identity, **by(request))
        self.message_user(request, f"Unlinked: {len(identities)}.", messages.SUCCESS)


@admin.register(Session)
class SessionAdmin(ReadOnly, _SessionAdmin):
    """Every device that is, or was, signed in."""

    list_display = ("device", "user", "address", "created_at", "last_used_at", "revoked_reason")
    list_select_related = ("user",)
    list_filter = (StateFilter, "revoked_reason", "created_at")
    search_fields = ("user__username", "user__email", "device", "address")
    show_full_result_count = False
    ordering = ("-id",)
    fields = ("user", *SESSION_FIELDS, "user_agent", "revoked_at", "revoked_reason")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_session")

    @admin.action(description="Sign these devices out", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        reach = Session.objects.filter(pk__in=queryset.values("pk"))
        reach = within_reach(request, reach, person="user")
        ended = actions.revoke_sessions(sessions=reach, **by(request))
        self.message_user(request, f"Devices signed out: {ended}.", messages.SUCCESS)
