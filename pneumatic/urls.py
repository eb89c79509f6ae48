"""Every address of the server. What machines probe is answered earlier, in the middleware."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import include, path
from django.urls.resolvers import URLPattern
from django.views import defaults
from django.views.generic import RedirectView
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actions import sign_out
from accounts.api import cookies
from accounts.authentication import django_device, list_django_session
from accounts.forms import SignInForm, StaffSignInForm
from accounts.models import User
from accounts.urls import api_urlpatterns as accounts_api
from accounts.urls import page_urlpatterns as accounts_pages
from chat.pages import page_urlpatterns
from chat.urls import api_urlpatterns as chat_api
from pneumatic.browsable import API_EXCEPTION, DOCS_EXCEPTION
from pneumatic.lib import errors
from pneumatic.lib.http.doors import attempt, client_address
from pneumatic.lib.http.problems import problem_response

admin.site.login_form = StaffSignInForm
admin.site.login_template = "staff-sign-in.html"

View = Callable[..., HttpResponseBase]


def _guarded_form(view: View) -> View:
    """Limit how often one address may try a sign-in form, and know the browser that came in."""

    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and (wait := attempt("form", request)):
            refusal = errors.RateLimited(
                "Too many attempts from your address; wait a moment.", retry_after=wait
            )
            return problem_response(refusal, request)
        response = view(request, *args, **kwargs)
        came_in = request.method == "POST" and response.status_code == 302
        if came_in and isinstance(request.user, User):
            list_django_session(request)
            cookies.set_device_cookie(request, response, request.user)
        return response

    return limited


def _signing_out(view: View) -> View:
    """Take the session that Django ends off the person's devices."""

    @wraps(view)
    def ended(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        device = django_device(request)
        response = view(request, *args, **kwargs)
        if device is not None and not request.user.is_authenticated:
            sign_out(session=device, address=client_address(request))
        return response

    return ended


class _Root(APIView):
    """Where everything is."""

    permission_classes = [AllowAny]
    #: The paths to list, below this one.
    routes: tuple[str, ...] = ()

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        here = request.build_absolute_uri(request.path)
        return Response({route.rstrip("/"): f"{here}{route}" for route in self.routes})


class _Schema(SpectacularAPIView):
    """What REST takes and gives. The same for everybody, whatever the question.

    So it is made once for each form: a tenth of a second of CPU is much for a question of anybody.
    """

    permission_classes = [AllowAny]
    _made: ClassVar[dict[str, str | bytes]] = {}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        form = request.accepted_renderer
        name = str(form.media_type)
        if name not in self._made:
            generator: Any = self.generator_class()
            schema = generator.get_schema(request=None, public=True)
            self._made[name] = form.render(schema, name, {})
        kind = f"{name}; charset={form.charset}" if form.charset else name
        file = f'inline; filename="pneumatic-chat.{form.format}"'
        return HttpResponse(
            self._made[name], content_type=kind, headers={"Content-Disposition": file}
        )


def _linkable(patterns: list[Any]) -> tuple[str, ...]:
    """The paths that need no id."""
    routes = [str(each.pattern) for each in patterns if isinstance(each, URLPattern)]
    return tuple(route for route in routes if not set(route) & set("<^("))


_doors = [*accounts_api, *chat_api]
_sign_in = [
    path(
        "login/",
        csp_update(API_EXCEPTION)(
            _guarded_form(
                LoginView.as_view(
                    template_name="staff-sign-in.html",
                    authentication_form=SignInForm,
                    # Without PUT, Django's other way to send a form, which nobody counts.
                    http_method_names=["get", "head", "post"],
                )
            )
        ),
        name="login",
    ),
    path("logout/", _signing_out(LogoutView.as_view()), name="logout"),
]
_api = [
    path("", _Root.as_view(routes=(*_linkable(_doors), "schema/", "docs/")), name="api-root"),
    *_doors,
    path("sign-in/", include((_sign_in, "rest_framework"))),
    path("schema/", _Schema.as_view(), name="schema"),
    path(
        "docs/",
        csp_update(DOCS_EXCEPTION)(
            SpectacularSwaggerSplitView.as_view(
                url_name="schema",
                permission_classes=[AllowAny],
                # DRF's answer to OPTIONS is no page, and this view renders nothing else.
                http_method_names=["get", "head"],
            )
        ),
        name="docs",
    ),
]

urlpatterns = [
    path(f"{settings.ADMIN_PATH}login/", _guarded_form(admin.site.login)),
    path(f"{settings.ADMIN_PATH}logout/", _signing_out(admin.site.admin_view(admin.site.logout))),
    # One's own password is changed in one place, which limits guessing and ends the other devices.
    path(
        f"{settings.ADMIN_PATH}password_change/",
        RedirectView.as_view(url="/settings/password"),
    ),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("api/v1/", include(_api)),
    *accounts_pages,
    *page_urlpatterns,
]


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that Django refused."""
    if _is_api(request):
        return problem_response(errors.Invalid(), request)
    return defaults.bad_request(request, exception)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Refused without saying why."""
    if _is_api(request):
        return problem_response(errors.Forbidden(), request)
    return defaults.permission_denied(request, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such address, or nothing there."""
    if _is_api(request):
        return problem_response(errors.NotFound(), request)
    return defaults.page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponse:
    """The last resort; Django has logged the exception, which is being handled here."""
    error = sys.exc_info()[1]
    if _is_api(request) and isinstance(error, Exception):
        return problem_response(error, request)
    return defaults.server_error(request)
