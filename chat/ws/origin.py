"""Which web pages may open a socket."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings


def is_allowed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the handshake comes from our own pages, or from no page at all.

    Browsers always send an Origin; programs, which send none, need a token anyway. Allowed are
    the origins of `ALLOWED_ORIGINS`, or, where that is empty, the host that was called.
    """
    headers = list(headers)
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if not origins:
        return True
    if len(origins) > 1:
        return False
    if settings.ALLOWED_ORIGINS:
        return origins[0] in settings.ALLOWED_ORIGINS
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    try:
        origin = urlsplit(origins[0])
    except ValueError:
        return False
    schemes = {"https"} if settings.HTTPS else {"http", "https"}
    return (
        len(hosts) == 1 and origin.scheme in schemes and origin.netloc.lower() == hosts[0].lower()
    )
