"""What the provider says of itself: its addresses and keys, fetched within bounds and kept."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.oidc.discovery import get_well_known_url
from django.conf import settings
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from accounts.errors import SignOnFailed
from pneumatic.lib.http import outbound

T = TypeVar("T")

#: How long the provider's addresses and keys are believed, in seconds.
KEPT_SECONDS: Final = 3600.0
#: After a failure nobody asks again for so long, in seconds: all who wait would wait in vain.
PAUSE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider says of itself, and its keys."""

    metadata: Mapping[str, Any]
    keys: KeySet
    fetched_at: float

    def endpoint(self, name: str) -> str:
        return cast(str, self.metadata[name])


_known: dict[str, Provider] = {}
_failed: dict[str, tuple[float, SignOnFailed]] = {}
_fetching = threading.Lock()


def forget_provider() -> None:
    """Fetch its addresses and keys anew when they are needed next."""
    _known.clear()
    _failed.clear()


def current_provider(*, unless_fetched_at: float | None = None) -> Provider:
    """The provider, fetched where it isn't known, is stale, or was fetched at that moment."""
    issuer = settings.OIDC_ISSUER
    if not _fetching.acquire(timeout=outbound.SECONDS):
        raise SignOnFailed("away", "others wait for it, too")
    try:
        known, now = _known.get(issuer), time.monotonic()
        fresh = known is not None and now - known.fetched_at < KEPT_SECONDS
        if known is not None and fresh and known.fetched_at != unless_fetched_at:
            return known
        failed_at, failure = _failed.get(issuer, (float("-inf"), None))
        if failure is not None and now - failed_at < PAUSE_SECONDS:
            raise SignOnFailed(failure.reason, failure.cause)
        try:
            fetched = _known[issuer] = asking(lambda: _fetch_provider(issuer))
        except SignOnFailed as error:
            _failed[issuer] = time.monotonic(), error
            raise
        return fetched
    finally:
        _fetching.release()


def _fetch_provider(issuer: str) -> Provider:
    with requests.Session() as session:
        outbound.bound(session)
        metadata = json_object(session.get(get_well_known_url(issuer, external=True)))
        if metadata.get("issuer") != issuer:
            raise SignOnFailed("misconfigured", f"calls itself {word(metadata.get('issuer'))}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if name not in metadata:
                raise SignOnFailed("misconfigured", f"names no {name}")
        for name in (
            "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint",
        ):  # fmt: skip
            if name in metadata and not _is_safe(metadata[name], issuer):
                raise SignOnFailed("misconfigured", f"its {name} is not https")
        keys = json_object(session.get(metadata["jwks_uri"])).get("keys")
    return Provider(metadata, _key_set(keys), time.monotonic())


def _is_safe(address: Any, issuer: str) -> bool:
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    # Never less than how the issuer itself is reached.
    return bool(parts.hostname) and parts.scheme in ("https", urlsplit(issuer).scheme)


_KEY_TYPES: Final[Mapping[str, type[RSAKey] | type[ECKey]]] = {"RSA": RSAKey, "EC": ECKey}


def _key_set(found: Any) -> KeySet:
    """The public keys that can sign. Others, and kinds that we don't know, are passed over."""
    keys: list[Any] = []
    for each in found if isinstance(found, list) else []:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        kind = _KEY_TYPES.get(str(each.get("kty")))
        try:
            if kind is not None:
                keys.append(kind.import_key(each))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    if not keys:
        raise SignOnFailed("misconfigured", "it has no key that can sign")
    return KeySet(keys)


# --- Failing ------------------------------------------------------------------------------------


def asking(work: Callable[[], T]) -> T:
    """What ``work`` learns from the provider; raises ``SignOnFailed`` where that fails."""
    try:
        return outbound.in_time(work)
    except outbound.Unreachable as error:
        raise SignOnFailed("away", str(error)) from None
    except requests.HTTPError as error:
        raise SignOnFailed("away", word(error).partition(" for url")[0]) from None
    except requests.RequestException as error:
        raise SignOnFailed("away", type(error).__name__) from None
    except AuthlibBaseError as error:
        # OAuth's own word for it, such as invalid_grant for a code that was used already.
        raise SignOnFailed("refused", word(error.error)) from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SignOnFailed("away", f"answers with nonsense: {type(error).__name__}") from None


def json_object(answer: requests.Response) -> dict[str, Any]:
    answer.raise_for_status()
    value = answer.json()
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def word(value: Any) -> str:
    """``value`` as something that can be logged, whoever wrote it."""
    return re.sub(r"[^\w.:/ -]", "?", str(value))[:120]
