"""Invitations."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import Form, IntegerField, ModelForm
from django.http import HttpRequest

from accounts import actions
from accounts.models import Invitation, User
from pneumatic.lib.http.doors import client_address

# Generic for the type checker only.
if TYPE_CHECKING:
    _InvitationAdmin = admin.ModelAdmin[Invitation]
    _InvitationForm = ModelForm[Invitation]
else:
    _InvitationAdmin = admin.ModelAdmin
    _InvitationForm = ModelForm


class InvitationForm(_InvitationForm):
    """How long it lasts is asked in days."""

    days = IntegerField(min_value=1, max_value=365, initial=7)

    class Meta:
        model = Invitation
        fields = ("email", "note")


@admin.register(Invitation)
class InvitationAdmin(_InvitationAdmin):
    """Each lets one person register. The link is shown once, after saving."""

    list_display = ("__str__", "email", "created_by", "created_at", "expires_at", "used_by")
    list_select_related = ("created_by", "used_by")
    search_fields = ("email", "note", "used_by__username")
    show_full_result_count = False
    fields = ("email", "note", "days")
    form = InvitationForm
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        seen = ("email", "note", "created_by", "created_at", "expires_at", "used_at", "used_by")
        return self.fields if obj is None else seen

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.add_invitation")

    def save_model(self, request: HttpRequest, obj: Invitation, form: Form, change: bool) -> None:
        wishes = form.cleaned_data
        made, link = actions.invite(
            created_by=cast(User, request.user),
            email=wishes["email"],
            note=wishes["note"],
            days=wishes["days"],
            address=client_address(request),
        )
        # What the admin goes on with, in its log and messages, is the row that the action made.
        obj.__dict__.update(made.__dict__)
        self.message_user(
            request, f"Hand on this link; it is not shown again: {link}", messages.WARNING
        )

    @admin.action(description="Revoke: nobody can use them any more", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        for invitation in queryset:
            actions.revoke_invitation(invitation=invitation)
        self.message_user(request, "Revoked.", messages.SUCCESS)
