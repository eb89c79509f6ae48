"""E-mail: written from the templates in templates/mail, sent after the answer.

Sending takes as long as another machine likes, and only happens for addresses that have an account:
done within the request, it would tell which. So threads of its own render and send.
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final, Literal

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string

from accounts import links
from pneumatic.lib.shared.delays import GrowingDelay

log = structlog.get_logger(__name__)

Kind = Literal[
    "account-exists",
    "invitation",
    "password-changed",
    "reset",
    "second-factor-removed",
    "verify",
]
SITE: Final = "Pneumatic Chat"
#: Messages that wait to be sent; more are dropped, and told.
MOST_WAITING: Final = 1000
_TRIES: Final = 2
#: Seconds, from and to: the answer is out before anything is sent. Sending takes the processor from
#: the request that it belongs to, which measured as a millisecond more where there is an account.
_AFTER_THE_ANSWER: Final = (0.0, 0.0) if settings.TESTING else (0.05, 0.3)
_chance: Final = secrets.SystemRandom()
#: What somebody is told about their own account is never held back: nobody causes it without having
#: been let in, and whoever was could else silence it by asking for other mail first.
_NOTICES: Final[frozenset[Kind]] = frozenset({"password-changed", "second-factor-removed"})
#: Nobody's mailbox is filled from here, whoever asks: of each kind three at once, then one each few
#: minutes. Each kind apart, so that links which strangers ask for don't use up the others.
_ADDRESSEE_DELAY: Final = GrowingDelay("mail", free=3, forgets=20 * 60, first=60, longest=60 * 60)
_waiting = threading.BoundedSemaphore(MOST_WAITING)


def is_on() -> bool:
    """Whether this installation sends e-mail at all."""
    return bool(settings.MAIL_ON)


def send_on_commit(kind: Kind, to: str, context: Mapping[str, Any], *, decoy: bool = False) -> None:
    """Send after the transaction, if there is one, has been committed. Never raises.

    Nothing happens where e-mail is off, or this address got enough of the kind lately; notices of
    what was done to an account are always sent. A ``decoy`` is written and thrown away: the same
    work for an address that gets nothing.
    """
    if is_on():
        transaction.on_commit(lambda: _submit(kind, to, dict(context), decoy))


def drain() -> None:
    """Wait until what was handed over so far has been sent: for tests, and for commands."""
    barrier = threading.Barrier(_WORKERS + 1)
    for _ in range(_WORKERS):
        _workers().submit(barrier.wait, 30)
    barrier.wait(30)


_WORKERS: Final = 2


@cache
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix="mail")


def _submit(kind: Kind, to: str, context: dict[str, Any], decoy: bool) -> None:
    addressee = hashlib.sha256(to.lower().encode()).hexdigest()[:32]
    if kind not in _NOTICES and _ADDRESSEE_DELAY.begin(f"{kind}:{addressee}"):
        log.info("mail_held_back", kind=kind)
    elif not _waiting.acquire(blocking=False):
        log.warning("mail_dropped", kind=kind, waiting=MOST_WAITING)
    else:
        _workers().submit(_send, kind, to, context, decoy)


def _send(kind: Kind, to: str, context: dict[str, Any], decoy: bool) -> None:
    time.sleep(_chance.uniform(*_AFTER_THE_ANSWER))
    try:
        text = render_to_string(
            f"mail/{kind}.txt",
            {
                "site": SITE,
                "sign_in": links.page("/sign-in"),
                "forgot": links.page("/forgot"),
                **context,
            },
        )
        subject, _, body = text.partition("\n")
        message = EmailMessage(
            # A text for people, without anything that ends a header.
            subject=" ".join(subject.split()),
            body=body.lstrip("\n"),
            to=[to],
            # Neither answering machines nor previews are wanted here.
            headers={"Auto-Submitted": "auto-generated"},
        )
        for attempt in range(1, 1 if decoy else _TRIES + 1):
            try:
                message.send()
            except OSError as error:  # smtplib's errors are OSErrors
                if attempt == _TRIES:
                    # Its text may hold the address.
                    log.error("mail_failed", kind=kind, error=type(error).__name__)
            else:
                break
    except Exception as error:  # nobody would ever look at the future
        log.error("mail_failed", kind=kind, error=type(error).__name__)
    finally:
        _waiting.release()
