from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, their devices, and the tokens by which both are known."""

    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        # drf-spectacular finds the extension by its having been imported.
        from accounts.api import schema  # noqa: F401
