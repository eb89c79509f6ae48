"""People: suspended, never deleted."""

import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest

from accounts import actions
from accounts.admin.base import by, is_superuser, may_reach, within_reach
from accounts.admin.sessions import SessionInline
from accounts.models import User

# Generic for the type checker only.
if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
    _CreationForm = AdminUserCreationForm[User]
    _PasswordForm = AdminPasswordChangeForm[User]
else:
    _UserAdmin = DjangoUserAdmin
    _CreationForm = AdminUserCreationForm
    _PasswordForm = AdminPasswordChangeForm

_POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")
# What others see, and whether the doors are open: changed by actions, which tell the devices.
_BY_ACTIONS = ("username", "display_name", "is_active")


class NewUserForm(_CreationForm):
    """Django's form, with our fields."""

    class Meta:
        model = User
        fields = ("username", "email", "display_name")


class NewPasswordForm(_PasswordForm):
    """Ends the person's sessions along with the old password."""

    def __init__(self, *args: Any, by: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._by = by

    def save(self, commit: bool = True) -> User:
        password = self.cleaned_data["password1"]
        if commit and password:
            actions.set_password(user=self.user, new=password, **self._by)
            return self.user
        user = super().save(commit=commit)
        if commit:
            actions.sign_out_everywhere(user=user, **self._by)
        return user


@admin.register(User)
class UserAdmin(_UserAdmin):
    """People are suspended, never deleted: what they wrote stays theirs."""

    add_form = NewUserForm
    inlines = (SessionInline,)
    list_display = ("username", "display_name", "email", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "date_joined")
    search_fields = ("username", "email", "display_name")
    ordering = ("username",)
    date_hierarchy = None
    show_full_result_count = False
    readonly_fields = ("last_login", "date_joined", "second_factor_at")
    fieldsets = (
        (None, {"fields": ("username", "email", "display_name", "password", "second_factor_at")}),
        ("Access", {"fields": ("is_active", *_POWERS)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "username",
                    "email",
                    "display_name",
                    "usable_password",
                    "password1",
                    "password2",
                ),
            },
        ),
    )
    actions = ("suspend", "reactivate", "sign_out", "remove_second_factor")

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        if obj is not None:
            fields = (*fields, *_BY_ACTIONS)
        # Who may edit people may not thereby make themselves, or a friend, all-powerful.
        return fields if is_superuser(request) else (*fields, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_reach(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Form, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        # Only what the form changed: the rest may have been changed by an action meanwhile.
        columns = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=columns.intersection(form.changed_data))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        # A copy: this object serves every request, and the form has to know who asks.
        bound = copy.copy(self)
        bound.change_password_form = partial(NewPasswordForm, by=by(request))
        return super(UserAdmin, bound).user_change_password(request, id, form_url)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        powers = sorted(set(_POWERS).intersection(form.changed_data))
        if powers:
            actions.powers_changed(user=form.instance, powers=powers, **by(request))

    @admin.action(description="Suspend, and sign out everywhere", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        people = [each for each in within_reach(request, queryset) if each != request.user]
        for user in people:
            actions.suspend_user(user=user, **by(request))
        self.message_user(request, f"Suspended: {len(people)}.", messages.SUCCESS)

    @admin.action(description="Reactivate", permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        people = within_reach(request, queryset)
        for user in people:
            actions.reactivate_user(user=user, **by(request))
        self.message_user(request, f"Reactivated: {len(people)}.", messages.SUCCESS)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        ended = sum(
            actions.sign_out_everywhere(user=user, **by(request))
            for user in within_reach(request, queryset)
        )
        self.message_user(request, f"Devices signed out: {ended}.", messages.SUCCESS)

    @admin.action(description="Remove the second factor", permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        reach = within_reach(request, queryset).filter(second_factor_at__isnull=False)
        people = [each for each in reach if each != request.user]
        for user in people:
            actions.remove_second_factor(user=user, **by(request))
        self.message_user(request, f"Second factors removed: {len(people)}.", messages.SUCCESS)
