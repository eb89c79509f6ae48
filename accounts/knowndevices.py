"""Browsers from which somebody has signed in: their owner is not kept out by others' guessing.

A signed cookie holds an id of the browser and, for up to five people, a fingerprint of the password
with which each of them signed in there last. It opens nothing: it only gives the browser a count of
failures of its own, and a changed password ends it.
"""

import secrets
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

_SALT: Final = "accounts.knowndevices"
#: Seconds; with each sign-in it begins anew.
MAX_AGE: Final = 180 * 24 * 60 * 60
COOKIE_MAX: Final = 1024
PEOPLE_MAX: Final = 5


def cookie_name() -> str:
    """With HTTPS a name that only this very host can have set."""
    return "__Host-pn_device" if settings.HTTPS else "pn_device"


def remember(cookie: str, *, user_id: object, password: str) -> str:
    """The next value of the cookie, after this person signed in; ``password`` is its hash."""
    known = _read(cookie)
    people = {name: print_ for name, print_ in known["p"].items() if name != str(user_id)}
    people = dict(list(people.items())[-(PEOPLE_MAX - 1) :])
    people[str(user_id)] = _fingerprint(password, settings.SECRET_KEY)
    return signing.dumps({"d": known["d"], "p": people}, salt=_SALT, compress=True)


def known_device(cookie: str, *, user_id: object, password: str) -> str | None:
    """The browser's id, where this person signed in there with their present password."""
    known = _read(cookie)
    print_ = known["p"].get(str(user_id), "")
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    same = [constant_time_compare(print_, _fingerprint(password, key)) for key in keys]
    return known["d"] if any(same) else None


def _fingerprint(password: str, key: str) -> str:
    return salted_hmac(_SALT, password, secret=key, algorithm="sha256").hexdigest()[:24]


def _read(cookie: str) -> dict[str, Any]:
    empty = {"d": secrets.token_urlsafe(12), "p": {}}
    if not 0 < len(cookie) <= COOKIE_MAX:
        return empty
    try:
        known: dict[str, Any] = signing.loads(cookie, salt=_SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return empty
    return known
