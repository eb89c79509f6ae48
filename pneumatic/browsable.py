"""What the pages that DRF and drf-spectacular bring along need of our Content-Security-Policy.

Their templates carry a few inline styles and one handler, which that policy refuses. Each is listed
here word for word and allowed by its hash, on these pages only; nothing else inline runs there.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final

from csp.constants import SELF, UNSAFE_HASHES
from rest_framework import renderers

#: The ``style`` attributes in rest_framework/{base,login_base}.html.
API_STYLES: Final = (
    "float: right; margin-right: 10px",
    "margin-top: 30px",
    "width: 320px; margin-left: auto; margin-right: auto",
    "margin: 0 0 20px;",
    "border: none",
)
#: The "Log out" link of the browsable API, a form in disguise.
API_HANDLERS: Final = ("""document.getElementById("logoutForm").submit()""",)
#: The <style> element in drf_spectacular/swagger_ui.html.
DOCS_STYLE: Final = """
      html { box-sizing: border-box; overflow-y: scroll; }
      *, *:after, *:before { box-sizing: inherit; }
      body { background: #fafafa; margin: 0; }
    """


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# 'unsafe-hashes' lets hashes count for attributes; it allows nothing by itself.
API_EXCEPTION: Final = {
    "style-src-attr": [UNSAFE_HASHES, *map(_hash, API_STYLES)],
    "script-src-attr": [UNSAFE_HASHES, *map(_hash, API_HANDLERS)],
}
DOCS_EXCEPTION: Final = {"style-src": [SELF, _hash(DOCS_STYLE)]}


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    """DRF's, with what it has inline allowed."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str:
        if renderer_context and (response := renderer_context.get("response")) is not None:
            response._csp_update = API_EXCEPTION
        return super().render(data, accepted_media_type, renderer_context)

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any]
    ) -> dict[str, Any]:
        context = super().get_context(data, accepted_media_type, renderer_context)
        # Colours for code samples in docstrings, of which there are none: one <style> less.
        return context | {"code_style": ""}
