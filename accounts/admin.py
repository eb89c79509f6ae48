"""People and their devices, for the staff."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest

from accounts import actions
from accounts.actions.identities import unlink_identity
from accounts.models import Identity, RevokedReason, Session, User

# Generic for the type checker only.
if TYPE_CHECKING:
    _SessionAdmin = admin.ModelAdmin[Session]
    _IdentityAdmin = admin.ModelAdmin[Identity]
    _SessionInline = admin.TabularInline[Session, User]
    _UserAdmin = DjangoUserAdmin[User]
    _CreationForm = AdminUserCreationForm[User]
    _PasswordForm = AdminPasswordChangeForm[User]
else:
    _SessionAdmin = admin.ModelAdmin
    _IdentityAdmin = admin.ModelAdmin
    _SessionInline = admin.TabularInline
    _UserAdmin = DjangoUserAdmin
    _CreationForm = AdminUserCreationForm
    _PasswordForm = AdminPasswordChangeForm

_POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")
# What others see, and whether the doors are open: changed by actions, which tell the devices.
_BY_ACTIONS = ("username", "display_name", "is_active")
_SESSION_FIELDS = ("device", "address", "created_at", "last_used_at", "expires_at")


class _ReadOnly:
    """Rows that only actions make, change and end."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SessionInline(_ReadOnly, _SessionInline):
    """A person's devices; ended ones among them, with why."""

    model = Session
    fields = readonly_fields = (*_SESSION_FIELDS, "revoked_at", "revoked_reason")
    extra = 0
    show_change_link = True


class NewUserForm(_CreationForm):
    """Django's form, with our fields."""

    class Meta:
        model = User
        fields = ("username", "email", "display_name")


class NewPasswordForm(_PasswordForm):
    """Ends the person's sessions along with the old password."""

    def save(self, commit: bool = True) -> User:
        password = self.cleaned_data["password1"]
        if commit and password:
            actions.set_password(user=self.user, new=password)
            return self.user
        user = super().save(commit=commit)
        if commit:
            actions.sign_out_everywhere(user=user)
        return user


@admin.register(User)
class UserAdmin(_UserAdmin):
    """People are suspended, never deleted: what they wrote stays theirs."""

    add_form = NewUserForm
    change_password_form = NewPasswordForm
    inlines = (SessionInline,)
    list_display = ("username", "display_name", "email", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "date_joined")
    search_fields = ("username", "email", "display_name")
    ordering = ("username",)
    date_hierarchy = None
    show_full_result_count = False
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "email", "display_name", "password")}),
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
    actions = ("suspend", "reactivate", "sign_out")

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        if obj is not None:
            fields = (*fields, *_BY_ACTIONS)
        # Who may edit people may not thereby make themselves, or a friend, all-powerful.
        return fields if _is_superuser(request) else (*fields, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _is_superuser(request))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Form, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        # Only what the form changed: the rest may have been changed by an action meanwhile.
        columns = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=columns.intersection(form.changed_data))

    @admin.action(description="Suspend, and sign out everywhere", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        people = [each for each in self._within_reach(request, queryset) if each != request.user]
        for user in people:
            actions.suspend_user(user=user)
        self.message_user(request, f"Suspended: {len(people)}.", messages.SUCCESS)

    @admin.action(description="Reactivate", permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        people = self._within_reach(request, queryset)
        for user in people:
            actions.reactivate_user(user=user)
        self.message_user(request, f"Reactivated: {len(people)}.", messages.SUCCESS)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        ended = sum(
            actions.sign_out_everywhere(user=user) for user in self._within_reach(request, queryset)
        )
        self.message_user(request, f"Devices signed out: {ended}.", messages.SUCCESS)

    def _within_reach(self, request: HttpRequest, people: QuerySet[User]) -> QuerySet[User]:
        return people if _is_superuser(request) else people.filter(is_superuser=False)


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
class IdentityAdmin(_ReadOnly, _IdentityAdmin):
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
        reach = queryset if _is_superuser(request) else queryset.filter(user__is_superuser=False)
        identities = list(reach)
        for identity in identities:
            unlink_identity(identity=identity)
        self.message_user(request, f"Unlinked: {len(identities)}.", messages.SUCCESS)


@admin.register(Session)
class SessionAdmin(_ReadOnly, _SessionAdmin):
    """Every device that is, or was, signed in."""

    list_display = ("device", "user", "address", "created_at", "last_used_at", "revoked_reason")
    list_select_related = ("user",)
    list_filter = (StateFilter, "revoked_reason", "created_at")
    search_fields = ("user__username", "user__email", "device", "address")
    show_full_result_count = False
    ordering = ("-id",)
    fields = ("user", *_SESSION_FIELDS, "user_agent", "revoked_at", "revoked_reason")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_session")

    @admin.action(description="Sign these devices out", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        reach = Session.objects.filter(pk__in=queryset.values("pk"))
        if not _is_superuser(request):
            reach = reach.filter(user__is_superuser=False)
        ended = actions.end_sessions(reach, reason=RevokedReason.SIGNED_OUT_ELSEWHERE)
        self.message_user(request, f"Devices signed out: {ended}.", messages.SUCCESS)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
