"""What tests of the admin's pages for people and devices share."""

from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import User

USERS = "admin:accounts_user_changelist"
SESSIONS = "admin:accounts_session_changelist"


def run(client: Client, page: str, action: str, *rows: Any) -> None:
    answer = client.post(
        reverse(page), {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    )
    assert answer.status_code == 302


def filled(user: User, **changes: Any) -> dict[str, Any]:
    return {
        "username": user.username,
        "email": user.email,
        "display_name": user.display_name,
        "is_active": "on",
        "sessions-TOTAL_FORMS": "0",
        "sessions-INITIAL_FORMS": "0",
        **changes,
    }
