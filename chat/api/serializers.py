"""What the REST doors take. What a body or a title must be, the actions say to all doors alike."""

from typing import Any, Final
from uuid import UUID, uuid4

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import names
from chat import limits, protocol
from chat.models import Membership
from pneumatic.lib.http import serializers as written
from pneumatic.lib.http.serializers import StrictSerializer

#: The greatest whole number that JavaScript tells from its neighbours; `protocol.Position` too.
POSITION_MAX: Final = 2**53


class WrittenField(written.WrittenField):
    """Text just as it was sent."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "allow_blank": True, **options})


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": limits.BODY_CHARS})
class BodyField(WrittenField):
    """A message's text."""


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": limits.TITLE_CHARS})
class TitleField(WrittenField):
    """A group's name."""


@extend_schema_field({"type": "string", "maxLength": limits.TOPIC_CHARS})
class TopicField(WrittenField):
    """A group's topic."""


class IdField(serializers.UUIDField):
    """A UUID as text, spelled as on the socket; numbers are refused."""

    def to_internal_value(self, data: Any) -> UUID:
        try:
            return protocol.to_id(data)
        except ValueError:
            self.fail("invalid", value=data)


class NewIdField(IdField):
    """The id that the client gives to what it creates: sent again, it makes nothing twice."""

    def __init__(self) -> None:
        super().__init__(
            initial=uuid4, help_text="A random UUID (version 4 or 7) that the client has made."
        )


@extend_schema_field({"type": "integer", "minimum": 0, "maximum": POSITION_MAX})
class PositionField(serializers.IntegerField):
    """A `seq` or a `version` in a body: a number, not text that looks like one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=POSITION_MAX, **options)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class Nothing(StrictSerializer):
    """A request without a body."""


# --- Bodies -------------------------------------------------------------------------------------


class ProfileSerializer(StrictSerializer):
    """What others see of a person."""

    display_name = WrittenField(
        help_text=f"At most {names.DISPLAY_NAME_MAX} characters; empty: the username."
    )


class GroupSerializer(StrictSerializer):
    """A new group; who begins it is its owner, and need not be named."""

    id = NewIdField()
    kind = serializers.ChoiceField(choices=["group"])
    title = TitleField()
    members = serializers.ListField(
        child=IdField(), max_length=limits.MEMBERS_AT_ONCE, help_text="Ids of people."
    )


class DirectSerializer(StrictSerializer):
    """The other one of a direct conversation."""

    user = IdField()


class GroupChangeSerializer(StrictSerializer):
    """What is left out stays as it is."""

    title = TitleField(required=False)
    topic = TopicField(required=False)


class NewMemberSerializer(StrictSerializer):
    """A person to bring in."""

    user = IdField()
    role = serializers.ChoiceField(
        choices=Membership.Role.values, default=Membership.Role.MEMBER.value
    )


class RoleSerializer(StrictSerializer):
    """What a member may do."""

    role = serializers.ChoiceField(choices=Membership.Role.values)


class MessageSerializer(StrictSerializer):
    """A new message."""

    id = NewIdField()
    body = BodyField()
    reply_to = IdField(required=False, allow_null=True, default=None)
    attachments = serializers.ListField(
        child=IdField(), max_length=0, required=False, help_text="Always empty in this version."
    )


class BodySerializer(StrictSerializer):
    """What a message shall say instead."""

    body = BodyField()


class ReadSerializer(StrictSerializer):
    """Up to where one has read."""

    seq = PositionField()


class SyncSerializer(StrictSerializer):
    """What the client has: the socket's `sync`."""

    epoch = IdField(allow_null=True, help_text="Of the last answer; null at the first time.")
    versions = serializers.DictField(
        child=PositionField(), help_text="The known version of each conversation, by its id."
    )
    states = serializers.BooleanField(
        default=False, help_text="Also tell all receipts, and who is online."
    )
    partial = serializers.BooleanField(  # type: ignore[assignment]  # DRF moves fields away
        default=False, help_text="Look only at the conversations in `versions`."
    )

    def validate_versions(self, versions: dict[str, int]) -> dict[UUID, int]:
        """The same with ids for keys."""
        if len(versions) > limits.CONVERSATIONS:
            raise serializers.ValidationError(f"Name at most {limits.CONVERSATIONS} conversations.")
        try:
            return {protocol.to_id(key): version for key, version in versions.items()}
        except ValueError:
            raise serializers.ValidationError("Every key must be a UUID.") from None


# --- Queries ------------------------------------------------------------------------------------


class PeopleQuery(StrictSerializer):
    """Whom to look for."""

    q = WrittenField(
        allow_blank=False,
        trim_whitespace=True,
        max_length=names.DISPLAY_NAME_MAX,
        help_text="The beginning of a username or display name.",
    )


class HistoryQuery(StrictSerializer):
    """Which messages; the newest ones where no place is given."""

    before_seq = serializers.IntegerField(
        required=False, min_value=0, max_value=POSITION_MAX, help_text="Older than this."
    )
    after_seq = serializers.IntegerField(
        required=False, min_value=0, max_value=POSITION_MAX, help_text="Newer than this."
    )
    around_seq = serializers.IntegerField(
        required=False, min_value=0, max_value=POSITION_MAX, help_text="On both sides."
    )
    limit = serializers.IntegerField(min_value=1, max_value=limits.PAGE_MAX, default=limits.PAGE)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One place at most: two would contradict each other."""
        given = [name for name in attrs if name.endswith("_seq")]
        if len(given) > 1:
            problem = "Give only one of before_seq, after_seq and around_seq."
            raise serializers.ValidationError({name: [problem] for name in given})
        return attrs
