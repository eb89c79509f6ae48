from typing import Any

from django.core.management.commands import diffsettings

from pneumatic.lib.config.safesettings import SafeSettings


class Command(diffsettings.Command):
    """Django's own prints keys and passwords."""

    def output_hash(self, user_settings: Any, default_settings: Any, **options: Any) -> Any:
        return super().output_hash(_shown(user_settings), default_settings, **options)

    def output_unified(self, user_settings: Any, default_settings: Any, **options: Any) -> Any:
        return super().output_unified(_shown(user_settings), default_settings, **options)


def _shown(settings: dict[str, str]) -> dict[str, str]:
    safe = SafeSettings().get_safe_settings()
    return {name: repr(safe[name]) if name in safe else text for name, text in settings.items()}
