"""The small world: alice and bob have accounts, each on one device."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from rest_framework.test import APIClient

from accounts import actions, oidc, tokens
from accounts.models import Session, User
from accounts.tests.password import PASSWORD as PASSWORD
from accounts.tests.second_factor import NOON, STEP, code_of
from accounts.tests.sign_on import CAROL
from pneumatic.lib import realtime
from pneumatic.lib.http import outbound
from pneumatic.testing.identity_provider import IdentityProvider, running


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
def noon() -> Iterator[time_machine.Traveller]:
    """The clock stands in the middle of a step of second factors."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def recovery(alice: User, noon: time_machine.Traveller) -> list[str]:
    """Alice has a second factor; these are her recovery codes. A step has passed since."""
    actions.begin_second_factor(user=alice, password=PASSWORD)
    codes = actions.confirm_second_factor(user=alice, code=code_of(alice))
    noon.shift(STEP)
    return codes


@pytest.fixture
def verified(settings: Settings, db: None) -> None:
    """Newcomers open a link in an e-mail before there is an account."""
    settings.MAIL_ON = settings.EMAIL_VERIFICATION = True
    settings.PUBLIC_URL = "https://chat.example.org"


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


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    """A provider of identities, started once."""
    with running(tmp_path_factory.mktemp("provider")) as started:
        yield started


@pytest.fixture
def provider(process: IdentityProvider, settings: Settings) -> Iterator[IdentityProvider]:
    """The provider, in order, who knows carol."""
    process.control(people={"carol": CAROL})
    for name, value in process.environment.items():
        setattr(settings, name, value)
    settings.OIDC_REGISTER = True
    oidc.forget_provider()
    yield process
    oidc.forget_provider()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience for tests of what takes too long."""
    monkeypatch.setattr(outbound, "SECONDS", 0.6)
