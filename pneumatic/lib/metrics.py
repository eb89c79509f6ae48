"""What Prometheus gets to see: the apps' own metrics, and django_prometheus' of requests."""

import asyncio
import hmac
import ipaddress
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django_prometheus.exports import ExportToDjangoView
from prometheus_client import Counter, Histogram

RATE_LIMITED: Final = Counter(
    "pneumatic_rate_limited", "What was refused for going too fast.", ["scope"]
)
DATABASE_UNAVAILABLE: Final = Counter(
    "pneumatic_database_unavailable", "Work that the database could not do.", ["reason"]
)
LOOP_LAG: Final = Histogram(
    "pneumatic_loop_lag_seconds",
    "How late the event loop did what was due: it was busy, or the whole process stood still.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
#: Seconds between two looks at how late the event loop is.
LOOP_LAG_SECONDS: Final = 0.5

_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")


def rate_limited(scope: str) -> None:
    """Count one refusal; ``scope`` says of what, as docs/operations.md lists them."""
    RATE_LIMITED.labels(scope).inc()


def database_unavailable(reason: str) -> None:
    """Count work that came to nothing; ``reason`` says why, as docs/operations.md lists them."""
    DATABASE_UNAVAILABLE.labels(reason).inc()


async def watch_loop_lag() -> None:
    """Observe, until cancelled, by how much this event loop is late."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOP_LAG_SECONDS
        await asyncio.sleep(LOOP_LAG_SECONDS)
        LOOP_LAG.observe(max(0.0, loop.time() - due))


def exposition(request: HttpRequest) -> HttpResponseBase:
    """All metrics as text, to who gives METRICS_TOKEN; without one set, to this machine only.

    Anyone else gets the 404 of a page that isn't there. With PROMETHEUS_MULTIPROC_DIR set, the
    numbers are those of all processes together.
    """
    if not from_operator(request):
        return HttpResponse("Not found\n", status=404, content_type="text/plain")
    response: HttpResponseBase = ExportToDjangoView(request)
    response["Cache-Control"] = "no-store"
    return response


def from_operator(request: HttpRequest) -> bool:
    """Whether the request has METRICS_TOKEN or, with none set, comes from this very machine."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode())
    if any(name in request.headers for name in _FORWARDED):
        # A proxy on this machine asks for somebody else.
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
