"""The small world: alice and bob have accounts, each on one device."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from accounts import actions, tokens
from accounts.models import Session, User
from pneumatic.lib import realtime

PASSWORD = "seven green lanterns"


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user(
        "alice", "alice@example.org", PASSWORD, display_name="Alice Lind"
    )


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("Bob", "bob@example.org", PASSWORD, display_name="Bob Lee")


@pytest.fixture
def laptop(alice: User) -> Session:
    """Alice's session."""
    return actions.open_session(user=alice, device="Laptop", address="192.0.2.1")


@pytest.fixture
def phone(alice: User) -> Session:
    """Alice's other session."""
    return actions.open_session(user=alice, device="Phone")


@pytest.fixture
def anyone() -> APIClient:
    """A client that is not signed in."""
    return APIClient()


@pytest.fixture
def on() -> Callable[[Session], APIClient]:
    """``on(laptop)``: a client that carries this session's access token."""

    def client_of(session: Session) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(session).access}")
        return client

    return client_of


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was handed to the channel layer, which is not reached."""
    seen: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(realtime, "publish", lambda group, envelope: seen.append((group, envelope)))
    return seen


@pytest.fixture
def committed(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> DjangoCaptureOnCommitCallbacks:
    """``with committed(execute=True):`` runs what waits for the commit, at the block's end."""
    return django_capture_on_commit_callbacks
