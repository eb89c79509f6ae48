"""DRF serializers that take what is described and nothing else."""

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

# Generic for the type checker only.
if TYPE_CHECKING:
    from rest_framework.serializers import BaseSerializer

    _Serializer = serializers.Serializer[Any]
else:
    _Serializer = serializers.Serializer

UNKNOWN: Final = "This field is not known here."
# A body may name thousands of unknown fields, each as long as it likes; the answer need not.
_NAMED_AT_MOST, _NAME_MAX = 20, 64


class StrictSerializer(_Serializer):
    """A serializer that refuses fields it doesn't know, by name, along with its other errors.

    Read-only fields count as unknown: whoever sends one expects it to change something.
    """

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = [str(name) for name in data if name not in known]
            errors = {name[:_NAME_MAX]: [UNKNOWN] for name in unknown[:_NAMED_AT_MOST]}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            raise ValidationError({**errors, **error.detail}) from None
        if errors:
            raise ValidationError(errors)
        return value


def parsed(serializer: "BaseSerializer[Any]") -> dict[str, Any]:
    """What a serializer with data makes of it. Raises DRF's ``ValidationError``."""
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class WrittenField(serializers.CharField):
    """Text only: a number or a boolean is not turned into text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class TextField(WrittenField):
    """Written text in which control characters are refused.

    With ``multiline``, line breaks and tabs are welcome.
    """

    default_error_messages = {"control": "Leave out control characters."}

    def __init__(self, *, multiline: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._allowed = frozenset("\n\r\t" if multiline else "")

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if any(unicodedata.category(c) == "Cc" and c not in self._allowed for c in text):
            self.fail("control")
        return text
