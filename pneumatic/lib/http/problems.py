"""How every HTTP door tells a failure: as a problem object (RFC 9457)."""

import math
from collections.abc import Callable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.core import exceptions as django_errors
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django_ratelimit.exceptions import Ratelimited
from rest_framework import exceptions as rest_errors
from rest_framework.request import Request
from rest_framework.response import Response

from pneumatic.lib import errors
from pneumatic.lib.database.outages import repeated, unavailable_from, was_undone
from pneumatic.lib.errors import ProblemError
from pneumatic.lib.http import strictjson
from pneumatic.lib.http.doors import charged

if TYPE_CHECKING:
    # DRF's views import this module for their defaults.
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

PROBLEM_TYPE: Final = "application/problem+json"


def problem_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler: every failure becomes a problem object, the unknown ones a 500."""
    from rest_framework.views import set_rollback

    set_rollback()
    request: Request = context["request"]
    if was_undone(exc):
        try:
            return _once_more(context, exc)
        except Exception as another:
            exc = another
    exc = charged(exc, request)
    status, body, headers = _problem(exc, request._request)
    if body["code"] == "internal" or (status == 503 and not isinstance(exc, ProblemError)):
        log.error("request_failed", exc_info=exc)
    if status == 401:
        challenge = getattr(exc, "auth_header", None)
        view: APIView | None = context.get("view")
        if challenge is None and view is not None:
            challenge = view.get_authenticate_header(request)
        headers["WWW-Authenticate"] = challenge or headers["WWW-Authenticate"]
    response = Response(body, status=status, headers=headers)
    renderer = getattr(request, "accepted_renderer", None)
    if renderer is None or renderer.format == "json":
        response.content_type = PROBLEM_TYPE
    return response


def _once_more(context: Mapping[str, Any], undone: Exception) -> Response:
    """The answer of the same view to the same request, whose transaction a deadlock undid."""
    request: Request = context["request"]
    handler: Callable[..., Response] = getattr(context["view"], (request.method or "").lower())
    return repeated(lambda: handler(request, *context["args"], **context["kwargs"]), undone)


def problem_response(error: Exception, request: HttpRequest | None = None) -> HttpResponse:
    """The same problem object for doors that aren't DRF's; logs nothing."""
    status, body, headers = _problem(error, request)
    return HttpResponse(
        strictjson.encode(body), status=status, content_type=PROBLEM_TYPE, headers=headers
    )


def _problem(
    exc: Exception, request: HttpRequest | None
) -> tuple[int, dict[str, Any], dict[str, str]]:
    error, status = _as_problem(exc)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": error.title if error else "Internal Server Error",
        "status": status,
        "detail": error.detail
        if error
        else "Something went wrong on our side. It has been logged; try again later.",
        "code": error.code if error else "internal",
    }
    headers: dict[str, str] = {}
    if error and error.fields:
        body["errors"] = error.fields
    if error and error.retry_after is not None:
        seconds = max(1, math.ceil(error.retry_after))
        body["retry_after"] = seconds
        headers["Retry-After"] = str(seconds)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    request_id = getattr(request, "request_id", None)
    if request_id:
        body["request_id"] = request_id
    return status, body, headers


def _as_problem(exc: Exception) -> tuple[ProblemError | None, int]:
    """The error to tell, with its status; None for what nobody foresaw."""
    if isinstance(exc, ProblemError):
        return exc, exc.status
    if isinstance(exc, rest_errors.APIException):
        return _from_rest(exc), exc.status_code
    error: ProblemError
    match exc:
        case Http404():
            error = errors.NotFound()
        case Ratelimited():
            error = errors.RateLimited(retry_after=60)
        case django_errors.PermissionDenied():
            error = errors.Forbidden()
        case django_errors.RequestDataTooBig():
            error = errors.TooLarge()
        case django_errors.SuspiciousOperation() | django_errors.BadRequest():
            error = errors.Invalid()
        case UnreadablePostError():
            error = errors.Invalid("The body ended too early.")
        case _:
            away = unavailable_from(exc)
            if away is None:
                return None, 500
            error = away
    return error, error.status


_BY_STATUS: Final = {each.status: each for each in errors.ALL}


def _from_rest(exc: rest_errors.APIException) -> ProblemError:
    if isinstance(exc, rest_errors.ValidationError):
        fields: dict[str, list[str]] = {}
        _flatten(exc.detail, "", fields)
        names = ", ".join(name for name in fields if name != "non_field_errors")
        said = f"Check these fields: {names}." if names else " ".join(chain(*fields.values()))
        return errors.Invalid(said, fields=fields)
    # 405, 406 and 415 have no code of their own: the request is not valid here.
    kind = _BY_STATUS.get(exc.status_code, errors.Invalid)
    if exc.status_code >= 500 and kind is errors.Invalid:
        kind = errors.Unavailable
    return kind(str(exc.detail), retry_after=getattr(exc, "wait", None))


def _flatten(detail: Any, path: str, into: dict[str, list[str]]) -> None:
    """``{"members": [{}, {"role": ["…"]}]}`` → ``{"members.1.role": ["…"]}``."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            _flatten(inner, f"{path}.{name}" if path else str(name), into)
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            if isinstance(inner, Mapping | list | tuple):
                _flatten(inner, f"{path}.{index}" if path else str(index), into)
            else:
                _flatten(inner, path, into)
    else:
        into.setdefault(path or "non_field_errors", []).append(str(detail))
