"""Adding to the audit trail."""

import unicodedata
from collections.abc import Mapping
from functools import partial
from typing import Final

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import devices
from accounts.models import AuditEvent, AuditHead, AuditKind, User

log = structlog.get_logger(__name__)

VALUE_MAX: Final = 200
#: What a detail's name may not hold: it would be a secret, or what people wrote.
_UNSPEAKABLE: Final = ("password", "token", "secret", "cookie", "body", "email")


def record(
    *,
    kind: AuditKind,
    user: User | None,
    actor: User | None = None,
    address: str | None,
    detail: Mapping[str, str] | None = None,
) -> AuditEvent:
    """Append one event: it stays if the present transaction commits.

    ``user`` is whom it happened to, ``actor`` who did it where it was somebody else (staff, or
    nobody signed in: None), ``address`` the client's. ``detail`` says the rest in short texts; they
    are cut at ``VALUE_MAX`` characters. Raises ``ValueError`` where a detail's name says that it
    holds a secret or what people wrote.

    Writers take turns until their transaction ends. So call it last in the transaction, never
    before slow work, and lock no other row after it: two that do so can wait for each other. To
    keep an event whose request fails, call it outside the transaction that is undone.
    """
    clean = _clean(detail or {})
    with transaction.atomic():
        head = _locked_head()
        event = AuditEvent(
            number=head.number + 1,
            # In UTC, whatever the time zone of the reader: it is part of the digest.
            at=timezone.now(),
            kind=kind.value,
            user_id=user.pk if user else None,
            actor_id=actor.pk if actor else None,
            address=devices.clean_address(address) or "",
            detail=clean,
            previous=head.digest,
        )
        event.digest = event.expected_digest()
        event.save()
        head.number, head.digest = event.number, event.digest
        head.save(update_fields=["number", "digest"])
        # The log is a second witness, mostly on another machine: with the digest that it holds,
        # even a chain that was rewritten as a whole is found out.
        transaction.on_commit(partial(_witness, event))
    return event


def _locked_head() -> AuditHead:
    heads = AuditHead.objects.select_for_update()
    head = heads.first()
    if head is None:
        # The first event of all. Two may come here at once: one inserts, both then lock.
        newest = AuditEvent.objects.first()
        begin = AuditHead(number=newest.number, digest=newest.digest) if newest else AuditHead()
        AuditHead.objects.bulk_create([begin], ignore_conflicts=True)
        head = heads.get()
    return head


def _clean(detail: Mapping[str, str]) -> dict[str, str]:
    for name in detail:
        if any(word in name for word in _UNSPEAKABLE):
            raise ValueError(f"The audit trail must not hold {name!r}.")
    return {
        name: "".join(c for c in value[:VALUE_MAX] if unicodedata.category(c)[0] != "C")
        for name, value in detail.items()
    }


def _witness(event: AuditEvent) -> None:
    log.info(
        "audit",
        kind=event.kind,
        number=event.number,
        digest=event.digest,
        user=str(event.user_id) if event.user_id else None,
        actor=str(event.actor_id) if event.actor_id else None,
        address=event.address,
        **{f"detail_{name}": value for name, value in event.detail.items()},
    )
