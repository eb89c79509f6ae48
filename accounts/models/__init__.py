"""One module per aggregate; imported from here."""

from accounts.models.audit import AuditEvent, AuditHead, AuditKind
from accounts.models.credentials import (
    Invitation,
    PendingRegistration,
    RecoveryCode,
    SecondFactor,
)
from accounts.models.identity import Identity
from accounts.models.session import RevokedReason, Session
from accounts.models.user import User, UserManager

__all__ = [
    "AuditEvent",
    "AuditHead",
    "AuditKind",
    "Identity",
    "Invitation",
    "PendingRegistration",
    "RecoveryCode",
    "RevokedReason",
    "SecondFactor",
    "Session",
    "User",
    "UserManager",
]
