"""The import map: how the browser finds our modules under their static, hashed addresses.

``import "app/core/store.js"`` means ``static/app/core/store.js``; vendored libraries go by the
bare names that ``static/vendor/importmap.json`` gives them.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

# Inside a <script> element these could end it, or start a comment that swallows its end.
_UNSAFE: Final = {ord(each): f"\\u{ord(each):04X}" for each in "<>&\u2028\u2029"}


def script_safe(value: Any) -> SafeString:
    """``value`` as JSON that may stand inside a ``<script>`` element as it is."""
    # Nothing of a client's choosing can leave the element: the characters for it are escaped.
    return mark_safe(json.dumps(value, separators=(",", ":")).translate(_UNSAFE))  # noqa: S308


def import_map() -> SafeString:
    """The map as JSON, safe inside ``<script type="importmap">``; read once in production."""
    return _cached() if settings.PRODUCTION else _build()


@cache
def _cached() -> SafeString:
    return _build()


def _build() -> SafeString:
    imports: dict[str, str] = {}
    for root in map(Path, settings.STATICFILES_DIRS):
        for folder in ("app", "vendor"):
            for module in sorted((root / folder).rglob("*.js")):
                name = module.relative_to(root).as_posix()
                imports[name] = static(name)
        names = root / "vendor" / "importmap.json"
        if names.is_file():
            bare: dict[str, str] = json.loads(names.read_text(encoding="utf-8"))
            imports |= {name: static(path) for name, path in bare.items()}
    return script_safe({"imports": imports})
