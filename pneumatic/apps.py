"""The roof as a Django app: it registers the system checks."""

from django.apps import AppConfig


class PneumaticConfig(AppConfig):
    name = "pneumatic"
    verbose_name = "Pneumatic Chat"

    def ready(self) -> None:
        from pneumatic import checks

        checks.register_all()
