"""What every HTTP door shares: who is asking, how failures are told, how much one may ask."""

import functools
import ipaddress
import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import structlog
from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from rest_framework import exceptions as rest_errors
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from pneumatic.lib import errors
from pneumatic.lib.errors import ProblemError
from pneumatic.lib.metrics import rate_limited
from pneumatic.lib.shared.ratelimit import (
    HOUR,
    MINUTE,
    LocalBuckets,
    Spent,
    address_key,
    rate_key,
    user_budget,
)

if TYPE_CHECKING:
    # DRF's views import this module for their defaults.
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

WRITE_COST, READ_COST = 1.0, 0.1


# --- Who is asking ------------------------------------------------------------------------------


def client_address(source: HttpRequest | Request | Mapping[str, Any]) -> str:
    """The client's IP address, of a request or of an ASGI scope; "" where there is none.

    Each proxy appends the address that it was called from to X-Forwarded-For. With
    TRUSTED_PROXIES of our own in front, the entry that many places from the right is the client;
    what stands further left is whatever the client wrote itself. With none, the header is ignored.
    """
    if isinstance(source, Mapping):
        peer = (source.get("client") or ("",))[0] or ""
        forwarded = b",".join(
            value for name, value in source.get("headers", ()) if name == b"x-forwarded-for"
        ).decode("latin-1")
    else:
        peer = source.META.get("REMOTE_ADDR") or ""
        forwarded = source.META.get("HTTP_X_FORWARDED_FOR", "")
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if settings.TRUSTED_PROXIES and hops:
        return _ip(hops[-min(settings.TRUSTED_PROXIES, len(hops))]) or _ip(peer)
    return _ip(peer)


def is_encrypted(scope: Mapping[str, Any]) -> bool:
    """Whether the client of a socket (an ASGI scope) speaks TLS: with us, or with our proxy.

    What X-Forwarded-Proto says is believed as Django believes it of requests: behind proxies of
    our own, and the first of several.
    """
    if scope.get("scheme") == "wss":
        return True
    told = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-proto")
    return bool(settings.TRUSTED_PROXIES) and told.partition(b",")[0].strip() == b"https"


def _ip(text: str) -> str:
    """The address in ``text`` without port, brackets and zone, or "" when it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


# --- How much one may ask -----------------------------------------------------------------------


class BudgetThrottle(BaseThrottle):
    """The user's token buckets, the same that the socket spends from; a read costs a tenth."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        budget = user_budget()
        if budget.unlimited:
            return True
        wait = _charge(request, self.who(request))
        if wait:
            raise errors.RateLimited(retry_after=wait)
        return True

    def who(self, request: Request) -> object | None:
        """The id of the user whose budget it is; None for the address's."""
        return request.user.pk if request.user.is_authenticated else None


def _charge(request: Request, user_id: object | None) -> float:
    """Take a request's cost from the user's budget, else the address's; the seconds to wait."""
    key = rate_key(user_id, client_address(request))
    cost = READ_COST if request.method in ("GET", "HEAD", "OPTIONS") else WRITE_COST
    spent = user_budget().take(key, cost)
    # The middleware puts these on the answer, whatever comes of the request.
    request._request.answer_headers = _rate_headers(spent)  # type: ignore[attr-defined]
    if spent.wait:
        rate_limited("address" if user_id is None else "user")
    return spent.wait


def charged(exc: Exception, request: Request) -> Exception:
    """``exc``; or that there were too many, for whoever got no further than to the throttle.

    Who isn't let in (mostly a 401) was not charged for asking: guessing would be free.
    """
    refused = isinstance(exc, rest_errors.APIException | ProblemError)
    if not refused or hasattr(request._request, "answer_headers") or user_budget().unlimited:
        return exc
    wait = _charge(request, None)
    return errors.RateLimited(retry_after=wait) if wait else exc


def _rate_headers(spent: Spent) -> dict[str, str]:
    """Fields of draft-ietf-httpapi-ratelimit-headers; ``t`` is when the bucket is full again."""
    budget = user_budget()
    policies, states = [], []
    for name, quota, period, left in (
        ("minute", budget.per_minute, MINUTE, spent.left[0]),
        ("hour", budget.per_hour, HOUR, spent.left[1]),
    ):
        if quota:
            policies.append(f'"{name}";q={quota};w={period:.0f}')
            full_in = math.ceil((quota - left) * period / quota)
            states.append(f'"{name}";r={max(0, math.floor(left))};t={full_in}')
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}


_anonymous = LocalBuckets()


def guarded(
    group: str, by: Callable[[Request], object | None] = lambda _: None
) -> Callable[
    [Callable[Concatenate[Any, Request, P], R]], Callable[Concatenate[Any, Request, P], R]
]:
    """Limit what one address may try at a door that needs no signing in.

    Decorates a method of a DRF view. Past ANONYMOUS_ATTEMPTS_PER_MINUTE (0 lifts it) in ``group``
    it raises RateLimited. While the cache is away each process counts for itself. Where ``by``
    knows who asks, it is they who may try so often, and not their address.
    """

    def decorate(
        method: Callable[Concatenate[Any, Request, P], R],
    ) -> Callable[Concatenate[Any, Request, P], R]:
        @functools.wraps(method)
        def limited(self: Any, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> R:
            wait = attempt(group, request, by(request))
            if wait:
                raise errors.RateLimited("Too many attempts; wait a moment.", retry_after=wait)
            return method(self, request, *args, **kwargs)

        return limited

    return decorate


_cache_back_at = 0.0


def attempt(group: str, request: HttpRequest | Request, who: object | None = None) -> float:
    """Count one attempt, of the address unless it is known who asks; 0.0, or seconds to wait."""
    global _cache_back_at
    limit = settings.ANONYMOUS_ATTEMPTS_PER_MINUTE
    if not limit:
        return 0.0
    key = address_key(client_address(request)) if who is None else str(who)
    wait: float | None = None
    if time.monotonic() >= _cache_back_at:
        try:
            usage = get_usage(
                request, group=group, key=lambda *_: key, rate=f"{limit}/m", increment=True
            )
        except Exception as error:  # whatever the cache's driver raises
            log.warning("cache_down", error=repr(error), using="this process's own count")
            _cache_back_at = time.monotonic() + 1
        else:
            if usage is not None and usage["time_left"] >= 0:
                wait = max(1.0, usage["time_left"]) if usage["should_limit"] else 0.0
    if wait is None:
        wait = _anonymous.spend(f"{group}:{key}", 1.0, ((limit, MINUTE), (limit, MINUTE))).wait
    if wait:
        rate_limited("anonymous")
    return wait
