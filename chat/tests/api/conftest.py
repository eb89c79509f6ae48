from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User


class Client(APIClient):
    """Takes paths below /api/v1/."""

    def generic(self, method: str, path: str, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        full = path if path.startswith(("/", "http")) else f"/api/v1/{path}"
        return super().generic(method, full, *args, **kwargs)


As = Callable[[User], Client]


@pytest.fixture
def as_() -> As:
    """`as_(alice).get("conversations/")`: a client that is signed in."""

    def client(user: User) -> Client:
        made = Client()
        made.force_authenticate(user)
        return made

    return client


@pytest.fixture
def anonymous() -> Client:
    return Client()
