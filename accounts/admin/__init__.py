"""People and how they come in, for the staff."""

from accounts.admin import audit, invitations, people, sessions

__all__ = ["audit", "invitations", "people", "sessions"]
