"""People and their devices, for the staff."""

import copy
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.db.models import OuterRef, QuerySet, Subquery
from django.forms import Form, IntegerField, ModelForm
from django.http import HttpRequest

from accounts import actions
from accounts.models import AuditEvent, Invitation, Session, User
from pneumatic.lib.http import client_address

# Generic for the type checker only.
if TYPE_CHECKING:
    _AuditAdmin = admin.ModelAdmin[AuditEvent]
    _InvitationAdmin = admin.ModelAdmin[Invitation]
    _SessionAdmin = admin.ModelAdmin[Session]
    _SessionInline = admin.TabularInline[Session, User]
    _UserAdmin = DjangoUserAdmin[User]
    _InvitationForm = ModelForm[Invitation]
    _CreationForm = AdminUserCreationForm[User]
    _PasswordForm = AdminPasswordChangeForm[User]
else:
    _AuditAdmin = _InvitationAdmin = _SessionAdmin = admin.ModelAdmin
    _SessionInline = admin.TabularInline
    _UserAdmin = DjangoUserAdmin
    _InvitationForm = ModelForm
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


class InvitationForm(_InvitationForm):
    """How long it lasts is asked in days."""

    days = IntegerField(min_value=1, max_value=365, initial=7)

    class Meta:
        model = Invitation
        fields = ("email", "note")


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

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        # A copy: this object serves every request, and the form has to know who asks.
        bound = copy.copy(self)
        bound.change_password_form = partial(NewPasswordForm, by=_by(request))
        return super(UserAdmin, bound).user_change_password(request, id, form_url)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        powers = sorted(set(_POWERS).intersection(form.changed_data))
        if powers:
            actions.powers_changed(user=form.instance, powers=powers, **_by(request))

    @admin.action(description="Suspend, and sign out everywhere", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        people = [each for each in self._within_reach(request, queryset) if each != request.user]
        for user in people:
            actions.suspend_user(user=user, **_by(request))
        self.message_user(request, f"Suspended: {len(people)}.", messages.SUCCESS)

    @admin.action(description="Reactivate", permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        people = self._within_reach(request, queryset)
        for user in people:
            actions.reactivate_user(user=user, **_by(request))
        self.message_user(request, f"Reactivated: {len(people)}.", messages.SUCCESS)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        ended = sum(
            actions.sign_out_everywhere(user=user, **_by(request))
            for user in self._within_reach(request, queryset)
        )
        self.message_user(request, f"Devices signed out: {ended}.", messages.SUCCESS)

    @admin.action(description="Remove the second factor", permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        reach = self._within_reach(request, queryset).filter(second_factor_at__isnull=False)
        people = [each for each in reach if each != request.user]
        for user in people:
            actions.remove_second_factor(user=user, **_by(request))
        self.message_user(request, f"Second factors removed: {len(people)}.", messages.SUCCESS)

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
        ended = actions.revoke_sessions(sessions=reach, **_by(request))
        self.message_user(request, f"Devices signed out: {ended}.", messages.SUCCESS)


@admin.register(AuditEvent)
class AuditEventAdmin(_ReadOnly, _AuditAdmin):
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


def _by(request: HttpRequest) -> dict[str, Any]:
    """Who does it, and from where."""
    return {"actor": request.user, "address": client_address(request)}


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
