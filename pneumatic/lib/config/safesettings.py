"""Settings as they may be shown: to who looks at an error in development, and by `diffsettings`."""

import re
from typing import Any, Final

from django.views.debug import SafeExceptionReporterFilter

#: A password in an address: redis://:password@host.
_IN_ADDRESS: Final = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")


class SafeSettings(SafeExceptionReporterFilter):
    """Django's own hides by name only, and shows what stands in addresses."""

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        shown = super().cleanse_setting(key, value)
        return _IN_ADDRESS.sub(self.cleansed_substitute, shown) if isinstance(shown, str) else shown
