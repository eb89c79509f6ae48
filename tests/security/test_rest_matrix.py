"""Who may do what over HTTP: every address in the URL table × every method × everybody."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Session, User
from chat.models import Conversation, Membership, Message
from pneumatic.lib.shared.delays import GrowingDelay
from pneumatic.testing.factories import make_user
from tests.security import matrix
from tests.security.routes import METHODS, Route, routes
from tests.security.world import OUTSIDE, ROLES, Cast, make_cast

ROUTES = list(routes())
ADMIN = [route for route in ROUTES if route.is_admin]
DOORS = [route for route in ROUTES if not route.is_admin]
#: The page of the admin that everybody may open.
ADMIN_OPEN = {f"{settings.ADMIN_PATH}login/"}


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def _every_door_is_there(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """E-mail is on, and nobody waits: the matrix asks the same again and again."""
    # It knows no right password, so how they are hashed is nothing to it.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MAIL_ON, settings.PUBLIC_URL = True, "http://testserver"
    for ask in ("wait", "begin"):
        monkeypatch.setattr(GrowingDelay, ask, lambda self, key: 0.0)


def _rows() -> list[Any]:
    """Everything that a request could have changed."""
    return [
        list(model.objects.order_by("pk").values()) for model in (Conversation, Membership, Message)
    ]


def _ask(cast: Cast, role: str, route: Route, method: str, **ids: Any) -> Any:
    body = matrix.body_for(
        route.address,
        method,
        refresh=cast.refresh,
        newcomer=str(User.objects.get(username="henry").id),
        fresh_id=str(uuid4()),
    )
    path = route.path({**cast.ids(), **ids})
    if route.address == "api/v1/users/":
        path += "?q=gi"
    return Client().generic(
        method,
        path,
        b"" if body is None else json.dumps(body).encode(),
        content_type="application/json",
        headers=cast.asks(role),
    )


def test_the_matrix_knows_every_address_and_no_other() -> None:
    """A new door fails here until somebody has said who may do what there."""
    assert {route.address for route in DOORS} == set(matrix.DOORS)


@pytest.mark.parametrize("route", DOORS, ids=lambda route: route.address or "home")
def test_everybody_gets_the_expected_answer_at_every_door(cast: Cast, route: Route) -> None:
    make_user("henry")
    for method in METHODS:
        row = matrix.DOORS[route.address].get(method)
        expected = row.split() if row else [None] * len(ROLES)
        for role, status in zip(ROLES, expected, strict=True):
            what = f"{method} {route.address} by {role}"
            cache.clear()
            before = _rows()
            here = transaction.savepoint()
            answer = _ask(cast, role, route, method)
            if status is None:
                # No such method. Who is not signed in doesn't even learn that.
                assert answer.status_code in (405, 401), what
                assert answer.status_code == 405 or role in OUTSIDE, what
            else:
                assert answer.status_code == int(status), f"{what}: {answer.content[:300]!r}"
            if answer.status_code >= 400:
                assert _rows() == before, f"{what} changed something"
            if answer.status_code == 404 and route.address.startswith("api/"):
                assert answer.json()["code"] == "not_found", what
            transaction.savepoint_rollback(here)


@pytest.mark.parametrize("address", ["sign-on/", "sign-on/callback/"])
def test_single_sign_on_lets_nobody_in_for_a_token(cast: Cast, settings: Any, address: str) -> None:
    """Where there is a provider: it is asked, or the sign-in page told, whoever comes."""
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = "http://127.0.0.1:1", "chat"
    before = Session.objects.count()
    for role in ROLES:
        for method in METHODS:
            answer = Client().generic(
                method,
                f"/{address}?next=https://evil.example&code=x&state=y",
                headers=cast.asks(role),
            )
            what = f"{method} {address} by {role}"
            assert answer.status_code == (302 if method == "GET" else 405), what
            if method == "GET":
                assert answer["Location"].startswith("/sign-in?sso="), what
                assert "evil" not in answer["Location"], what
    assert Session.objects.count() == before


@pytest.mark.parametrize(
    "route",
    [route for route in DOORS if route.address.startswith("api/") and "<uuid" in route.address],
    ids=lambda route: route.address,
)
def test_what_one_may_not_see_is_answered_like_what_is_not_there(cast: Cast, route: Route) -> None:
    make_user("henry")
    nothing = {name: uuid4() for name in cast.ids()}
    for method, row in matrix.DOORS[route.address].items():
        for role, status in zip(ROLES, row.split(), strict=True):
            if status != "404":
                continue
            with CaptureQueriesContext(connection) as asked_of_real:
                real = _ask(cast, role, route, method)
            with CaptureQueriesContext(connection) as asked_of_unreal:
                unreal = _ask(cast, role, route, method, **nothing)
            # Time can't be compared in a test; what takes it can.
            assert len(asked_of_real) == len(asked_of_unreal), f"{method} by {role}"
            assert (unreal.status_code, unreal.headers.keys()) == (404, real.headers.keys())
            assert unreal.json() | {"request_id": ""} == real.json() | {"request_id": ""}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_message_of_another_conversation_is_not_reached_through_ones_own(
    cast: Cast, method: str
) -> None:
    """IDOR with swapped ids: a conversation that I may see, a message that I may not."""
    make_user("henry")
    [route] = [route for route in DOORS if "<uuid:message_id>" in route.address]
    for role in ("member", "admin", "owner"):
        answer = _ask(cast, role, route, method, message_id=cast.other_message.id)
        unreal = _ask(cast, role, route, method, message_id=uuid4())
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert unreal.json() | {"request_id": ""} == answer.json() | {"request_id": ""}
    cast.other_message.refresh_from_db()
    assert (cast.other_message.body, cast.other_message.deleted_at) == ("somewhere else", None)


def test_a_reply_quotes_nothing_of_another_conversation(cast: Cast) -> None:
    answer = Client().post(
        f"/api/v1/conversations/{cast.group.id}/messages/",
        {"id": str(uuid4()), "body": "look", "reply_to": str(cast.other_message.id)},
        content_type="application/json",
        headers=cast.asks("member"),
    )
    assert answer.status_code in (400, 404)
    assert "somewhere else" not in answer.content.decode()


#: What only the server sets, or another door.
ALIEN = (
    "is_staff", "is_superuser", "is_active", "user_permissions", "groups", "session_stamp",
    "second_factor_at", "date_joined", "user_id", "session_id", "sender", "seq", "version",
    "created_at", "expires_at", "revoked_at",
)  # fmt: skip


@pytest.mark.parametrize(
    ("address", "method"),
    [
        (address, method)
        for address, row in matrix.REST.items()
        for method in row
        if method not in ("GET", "DELETE")
    ],
)
def test_a_body_sets_nothing_but_what_its_door_takes(cast: Cast, address: str, method: str) -> None:
    """At every door, those of accounts among them: what is alien is named, and nothing happens."""
    make_user("henry")
    body = matrix.body_for(
        address, method, refresh=cast.refresh, newcomer=str(cast.gina.id), fresh_id=str(uuid4())
    )
    if body is None:
        assert address == "auth/logout/", "the others take one"
        return
    before = [*_rows(), list(User.objects.order_by("pk").values()), Session.objects.count()]
    answer = Client().generic(
        method,
        f"/api/v1{Route(address).path(cast.ids())}",
        json.dumps(body | dict.fromkeys(ALIEN, True)).encode(),
        content_type="application/json",
        headers=cast.asks("owner"),
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert set(ALIEN) <= set(answer.json()["errors"])
    assert [*_rows(), list(User.objects.order_by("pk").values()), Session.objects.count()] == before


# --- The admin ----------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ADMIN, ids=lambda route: route.address)
def test_nobody_but_staff_gets_into_the_admin(cast: Cast, route: Route) -> None:
    """Neither with a token of the chat, whatever the role in it, nor signed in without powers."""
    path = route.path({"object_id": cast.gina.id, "id": cast.gina.id, "app_label": "chat"})
    path = path.replace("/^(?P1(auth|accounts|chat)/$", "/chat/").replace("(?P1.*)$", "nowhere")
    before = _rows()
    for method in METHODS:
        for role in ROLES:
            answer = Client().generic(method, path, headers=cast.asks(role))
            _shut(route, answer, f"{method} {path} by {role}")
        signed_in = Client()
        signed_in.force_login(cast.people["owner"])
        _shut(route, signed_in.generic(method, path), f"{method} {path} by somebody signed in")
    assert _rows() == before


def _shut(route: Route, answer: Any, what: str) -> None:
    if route.address in ADMIN_OPEN:
        assert answer.status_code in (200, 405), what
        assert "Recent actions" not in answer.content.decode(), what
        return
    assert answer.status_code == 302, f"{what}: {answer.status_code}"
    if answer["Location"] == "/settings/password":
        return  # ours: it asks who one is
    assert f"/{settings.ADMIN_PATH}" in answer["Location"], what


def test_staff_without_permissions_sees_no_list(cast: Cast) -> None:
    clerk = make_user("clerk")
    clerk.is_staff = True
    clerk.save()
    client = Client()
    client.force_login(clerk)
    lists = [r for r in ADMIN if r.address.count("/") == 3 and "<" not in r.address]
    lists = [r for r in lists if not r.address.endswith("done/")]
    assert len(lists) >= 7
    for route in lists:
        assert client.get(f"/{route.address}").status_code == 403, route.address


def test_a_suspended_member_of_the_staff_is_out(cast: Cast) -> None:
    clerk = make_user("clerk")
    clerk.is_staff = clerk.is_superuser = True
    clerk.save()
    client = Client()
    client.force_login(clerk)
    assert client.get(f"/{settings.ADMIN_PATH}").status_code == 200
    User.objects.filter(pk=clerk.pk).update(is_active=False)
    assert client.get(f"/{settings.ADMIN_PATH}").status_code == 302


def test_the_browsable_api_answers_as_the_matrix_says_to_those_signed_in_by_cookie(
    cast: Cast,
) -> None:
    """Django's session opens no door more than a token does, and writing needs the CSRF token."""
    make_user("henry")
    for role in ("member", "former", "elsewhere", "staff", "superuser"):
        client = Client(enforce_csrf_checks=True)
        client.force_login(cast.people[role])
        for address, row in matrix.DOORS.items():
            if not address.startswith("api/v1/") or "sign-in" in address:
                continue
            for method, statuses in row.items():
                expected = statuses.split()[ROLES.index(role)]
                path = Route(address).path(cast.ids())
                path += "?q=gi" if address == "api/v1/users/" else ""
                if method == "GET":
                    assert str(client.get(path).status_code) == expected, path
                elif "auth/" not in address:
                    answer = client.generic(method, path, b"{}", content_type="application/json")
                    assert answer.status_code == 403, path
    assert Session.objects.filter(user=cast.people["member"], revoked_at=None).exists()
