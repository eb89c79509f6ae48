"""One module per aggregate; imported from here."""

from accounts.models.audit import AuditEvent, AuditHead, AuditKind
from accounts.models.credentials import (
    Invitation,
    PendingRegistration,
    RecoveryCode,
    SecondFactor,
)
from accounts.models.session import RevokedReason, Session
from accounts.models.user import User, UserManager

__all__ = [
    "AuditEvent",
    "AuditHead",
    "AuditKind",
    "Invitation",
    "PendingRegistration",
    "RecoveryCode",
    "RevokedReason",
    "SecondFactor",
    "Session",
    "User",
    "UserManager",
]
