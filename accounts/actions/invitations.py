"""Invitations: a code that lets one person register."""

import secrets
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import links, mail, totp
from accounts.actions.audit import record
from accounts.errors import InvitationRefused
from accounts.models import AuditKind, Invitation, User

#: Longer than any of ours.
CODE_MAX: Final = 64


def invite(
    *,
    created_by: User | None,
    email: str = "",
    note: str = "",
    days: int = 7,
    address: str | None = None,
) -> tuple[Invitation, str]:
    """A new invitation, and the link to hand on: it can't be had again.

    With ``email`` only that address may use it, and the link is mailed there if e-mail is on.
    """
    code = secrets.token_urlsafe(16)
    link = links.page("/register", code)
    with transaction.atomic():
        invitation = Invitation.objects.create(
            digest=totp.digest(code),
            email=email.strip(),
            note=note.strip(),
            created_by=created_by,
            expires_at=timezone.now() + timedelta(days=days),
        )
        if invitation.email:
            mail.send_on_commit(
                "invitation", invitation.email, {"link": link, "until": invitation.expires_at}
            )
        told = {"invitation": str(invitation.pk)}
        record(kind=AuditKind.INVITED, user=None, actor=created_by, address=address, detail=told)
    return invitation, link


def revoke_invitation(*, invitation: Invitation) -> None:
    """Nobody can use it from now on; one that was used stays as it is."""
    Invitation.objects.filter(pk=invitation.pk, used_at__isnull=True).update(
        expires_at=timezone.now()
    )


def find_invitation(*, code: str, email: str) -> Invitation | None:
    """The invitation with this code, if whoever has this address may use it now."""
    return (
        Invitation.objects.filter(
            Q(email="") | Q(email__iexact=email),
            digest=totp.digest(code.strip()),
            used_at__isnull=True,
            expires_at__gt=timezone.now(),
        ).first()
        if 0 < len(code) <= CODE_MAX
        else None
    )


def use_invitation(invitation: Invitation, *, user: User) -> None:
    """Use it up; raises ``InvitationRefused`` where somebody was faster, or it has been revoked."""
    now = timezone.now()
    unused = Invitation.objects.filter(pk=invitation.pk, used_at__isnull=True, expires_at__gt=now)
    if not unused.update(used_at=now, used_by=user):
        raise InvitationRefused
