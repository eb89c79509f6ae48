"""Conversations for the staff: to look at, not to edit.

Rows are versioned, and devices mirror them: a row that changed past the actions would never reach
anybody, and one that is gone would come back. So everything here is read-only, and what moderators
may do are actions of the chat.
"""

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from chat.actions.moderation import remove_message
from chat.models import Conversation, History, Membership, Mention, Message, Unheard

# Generic for the type checker only.
if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(_ModelAdmin):
    """Rows that only actions make and change, and that nothing ever deletes."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """What conversations there are; not what is said in them."""

    list_display = (
        "__str__",
        "kind",
        "member_count",
        "last_seq",
        "version",
        "last_message_at",
        "archived_at",
    )
    list_filter = ("kind", ("archived_at", admin.EmptyFieldListFilter))
    search_fields = ("=id", "title", "=memberships__user__username")
    ordering = ("-id",)
    list_select_related = False


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who is, or was, in which conversation."""

    list_display = ("user", "conversation", "role", "joined_at", "left_at", "version")
    list_select_related = ("user", "conversation")
    list_filter = ("role", ("left_at", admin.EmptyFieldListFilter))
    search_fields = ("=user__username", "=user__email", "conversation__title", "=conversation__id")
    ordering = ("-id",)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """Messages without their text; that is shown, and noted, where a moderator opens one."""

    list_display = ("id", "conversation", "seq", "sender", "kind", "created_at", "deleted_at")
    list_select_related = ("conversation", "sender")
    list_filter = ("kind", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("=id", "=sender__username", "=conversation__id", "conversation__title")
    # Backwards through the index that pages of history use.
    ordering = ("-conversation", "-seq")
    exclude = ("mentioned", "fingerprint")
    actions = ("delete_for_everyone",)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.delete_message")

    @admin.action(description="Delete selected messages for everyone", permissions=["moderate"])
    def delete_for_everyone(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        moderator = cast(User, request.user)
        chosen = queryset.filter(kind=Message.Kind.TEXT, deleted_at=None)
        ids = list(chosen.values_list("id", flat=True))
        for message_id in ids:
            message = remove_message(moderator=moderator, message_id=message_id)
            self.log_change(request, message, "Deleted for everyone.")
        self.message_user(request, f"Deleted for everyone: {len(ids)}.", messages.SUCCESS)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        # Shown only now, when the page is about to go out: who reads other people's messages is
        # on record, in the message's own history and in the staff's.
        if response.status_code == 200 and (message := self.get_object(request, object_id)):
            self.log_change(request, message, "Opened to read.")
        return response


@admin.register(Mention)
class MentionAdmin(ReadOnlyAdmin):
    """Who was mentioned where."""

    list_display = ("user", "conversation", "seq")
    list_select_related = ("user", "conversation")
    search_fields = ("=user__username", "conversation__title", "=message__id")
    ordering = ("-id",)


@admin.register(Unheard)
class UnheardAdmin(ReadOnlyAdmin):
    """The processes that others can't hear."""

    list_display = ("process", "until")


@admin.register(History)
class HistoryAdmin(ReadOnlyAdmin):
    """The name of this history."""

    list_display = ("epoch",)
    search_fields = ("=epoch",)
