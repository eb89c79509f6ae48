"""Who may open a socket: which web pages, and over which lines."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from pneumatic.lib.http.doors import is_encrypted


def is_allowed(scope: Mapping[str, Any]) -> bool:
    """Whether the handshake comes from our own pages, or from no page at all.

    With HTTPS on, nobody speaks in the clear: who came past the proxy is led nowhere, as a request
    is, but refused before a token is told.

    Browsers always send an Origin; programs, which send none, need a token anyway. Allowed are
    the origins of `ALLOWED_ORIGINS`, or, where that is empty, the host that was called.
    """
    if settings.HTTPS and not is_encrypted(scope):
        return False
    headers = list(scope["headers"])
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
