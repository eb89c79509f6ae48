"""People and how they come in, for the staff."""

from accounts.admin import audit, groups, invitations, people, sessions

__all__ = ["audit", "groups", "invitations", "people", "sessions"]
