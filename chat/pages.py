"""The HTML pages: one shell for all of them, filled in the browser."""

from typing import Final

from csp.constants import NONE
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import path
from django.views.decorators.http import require_safe

from pneumatic.lib.http.importmap import import_map, script_safe

THEMES: Final = ("light", "dark", "system")


# Only here: no script of ours or of our libraries makes HTML out of text, so none may. Those of
# the admin and of the browsable API do.
@csp_update({"require-trusted-types-for": ["'script'"], "trusted-types": [NONE]})
@require_safe
def shell(request: HttpRequest, **_: object) -> HttpResponse:
    """The page that starts the client. It holds nothing of any user: the client asks for that."""
    theme = request.COOKIES.get("pn_theme", "")
    response = render(
        request,
        "app.html",
        {
            "importmap": import_map(),
            "theme": theme if theme in THEMES else "system",
            "lang": "en",
            "dir": "ltr",
            "boot": script_safe(
                {
                    "debug": settings.DEBUG,
                    "version": settings.VERSION,
                    "registration": settings.REGISTRATION,
                    "mail": settings.MAIL_ON,
                    "sign_on": settings.OIDC_NAME if settings.OIDC_ISSUER else None,
                }
            ),
            "debug": settings.DEBUG,
        },
    )
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """Where the icon is under its static, hashed name."""
    return redirect(static("icons/mark.svg"))


page_urlpatterns = [
    # Browsers ask for it on pages of others: the admin, the browsable API.
    path("favicon.ico", icon),
    path("", shell, name="home"),
    path("sign-in", shell, name="sign-in"),
    path("register", shell, name="register"),
    path("forgot", shell, name="forgot"),
    path("reset", shell, name="reset"),
    path("verify", shell, name="verify"),
    path("signed-out", shell, name="signed-out"),
    path("c/<uuid:conversation>", shell, name="conversation"),
    path("outbox", shell, name="outbox"),
    path("settings", shell, name="settings-home"),
    path("settings/<slug:section>", shell, name="settings"),
]
