"""What everybody is answered at every door. A door that is missing here fails its test.

One line a door and method, one status for each of `ROLES`: stranger (not signed in); member, admin
and owner of the conversation, former member, suspended member, member of another conversation;
somebody of the staff with every permission of the admin, and a superuser, who are in neither; and
the owner with the token of a session that was revoked, one that expired, and a refresh token.
What one may not see is 404, never 403. Methods that are missing here must not exist (405).
"""

from typing import Any, Final

#: Doors that open without signing in (those for tokens need proof of their own), and the others.
_OPEN: Final = " ".join(["{0}"] * 12)
_SIGNED_IN: Final = "401 {0} {0} {0} {0} 401 {0} {0} {0} 401 401 401"


def _all(status: int) -> str:
    return _OPEN.format(status)


def _known(status: int) -> str:
    return _SIGNED_IN.format(status)


REST: Final[dict[str, dict[str, str]]] = {
    "": {"GET": "200 200 200 200 200 401 200 200 200 401 401 401"},
    "auth/register/": {"POST": _all(201)},
    "auth/token/": {"POST": _all(401)},
    "auth/token/refresh/": {"POST": _all(200)},
    "auth/logout/": {"POST": _known(204)},
    "auth/logout-all/": {"POST": _known(204)},
    "auth/password/change/": {"POST": _known(400)},
    "auth/password/reset/": {"POST": _all(202)},
    "auth/password/reset/confirm/": {"POST": _all(400)},
    "auth/email/verify/": {"POST": _all(400)},
    "auth/second-factor/": {"GET": _known(200), "POST": _known(400)},
    "auth/second-factor/confirm/": {"POST": _known(409)},
    "auth/second-factor/recovery-codes/": {"POST": _known(400)},
    "auth/second-factor/disable/": {"POST": _known(400)},
    "auth/second-factor/setup/": {"POST": _all(401)},
    "auth/second-factor/setup/confirm/": {"POST": _all(401)},
    "auth/sessions/": {"GET": _known(200)},
    "auth/sessions/<uuid:session_id>/": {
        "DELETE": "401 404 404 204 404 401 404 404 404 401 401 401"
    },
    "users/": {"GET": _known(200)},
    "users/me/": {"GET": _known(200), "PATCH": _known(200)},
    "users/<uuid:user_id>/": {"GET": _known(200)},
    "conversations/": {"GET": _known(200), "POST": _known(201)},
    "conversations/direct/": {"POST": _known(201)},
    "conversations/<uuid:conversation_id>/": {
        "GET": "401 200 200 200 404 401 404 404 404 401 401 401",
        "PATCH": "401 403 200 200 404 401 404 404 404 401 401 401",
        "DELETE": "401 403 403 204 404 401 404 404 404 401 401 401",
    },
    "conversations/<uuid:conversation_id>/read/": {
        "POST": "401 200 200 200 404 401 404 404 404 401 401 401"
    },
    "conversations/<uuid:conversation_id>/members/": {
        "GET": "401 200 200 200 404 401 404 404 404 401 401 401",
        "POST": "401 403 201 201 404 401 404 404 404 401 401 401",
    },
    "conversations/<uuid:conversation_id>/members/<uuid:user_id>/": {
        "GET": "401 200 200 200 404 401 404 404 404 401 401 401",
        "PATCH": "401 403 403 200 404 401 404 404 404 401 401 401",
        "DELETE": "401 403 204 204 404 401 404 404 404 401 401 401",
    },
    "conversations/<uuid:conversation_id>/messages/": {
        "GET": "401 200 200 200 404 401 404 404 404 401 401 401",
        "POST": "401 201 201 201 404 401 404 404 404 401 401 401",
    },
    "conversations/<uuid:conversation_id>/messages/<uuid:message_id>/": {
        "GET": "401 200 200 200 404 401 404 404 404 401 401 401",
        "PATCH": "401 403 403 403 404 401 404 404 404 401 401 401",
        "DELETE": "401 403 204 204 404 401 404 404 404 401 401 401",
    },
    "sync/": {"POST": _known(200)},
    "schema/": {"GET": "200 200 200 200 200 401 200 200 200 401 401 401"},
    "docs/": {"GET": "200 200 200 200 200 401 200 200 200 401 401 401"},
}

#: Pages that Django renders and that hold nothing of anybody; a bearer token means nothing to them.
PAGES: Final[dict[str, dict[str, str]]] = {
    "api/v1/sign-in/login/": {"GET": _all(200), "POST": _all(200)},
    "api/v1/sign-in/logout/": {"POST": _all(200)},
    "favicon.ico": {"GET": _all(302)},
    "": {"GET": _all(200)},
    "sign-in": {"GET": _all(200)},
    "register": {"GET": _all(200)},
    "signed-out": {"GET": _all(200)},
    "forgot": {"GET": _all(200)},
    "reset": {"GET": _all(200)},
    "verify": {"GET": _all(200)},
    "sign-on/": {"GET": _all(404)},
    "sign-on/callback/": {"GET": _all(404)},
    "c/<uuid:conversation>": {"GET": _all(200)},
    "outbox": {"GET": _all(200)},
    "settings": {"GET": _all(200)},
    "settings/<slug:section>": {"GET": _all(200)},
}

DOORS: Final = {**{f"api/v1/{route}": row for route, row in REST.items()}, **PAGES}


def body_for(address: str, method: str, *, refresh: str, newcomer: str, fresh_id: str) -> Any:
    """A body that the door takes from somebody who may."""
    bodies: dict[tuple[str, str], Any] = {
        ("auth/register/", "POST"): {
            "username": "newcomer",
            "email": "newcomer@example.org",
            "password": "a sentence nobody knows",
        },
        ("auth/token/", "POST"): {"username": "owner", "password": "not the password"},
        ("auth/token/refresh/", "POST"): {"refresh": refresh},
        ("auth/logout-all/", "POST"): {},
        ("auth/password/change/", "POST"): {"old_password": "x", "new_password": "y"},
        ("auth/password/reset/", "POST"): {"email": "owner@example.org"},
        ("auth/password/reset/confirm/", "POST"): {"token": "x", "new_password": "y"},
        ("auth/email/verify/", "POST"): {"token": "x", "password": "y"},
        ("auth/second-factor/", "POST"): {"password": "x"},
        ("auth/second-factor/confirm/", "POST"): {"code": "000000"},
        ("auth/second-factor/recovery-codes/", "POST"): {"password": "x", "code": "000000"},
        ("auth/second-factor/disable/", "POST"): {"password": "x", "code": "000000"},
        ("auth/second-factor/setup/", "POST"): {"username": "owner", "password": "x"},
        ("auth/second-factor/setup/confirm/", "POST"): {
            "username": "owner",
            "password": "x",
            "code": "000000",
        },
        ("users/me/", "PATCH"): {"display_name": "Someone"},
        ("conversations/", "POST"): {
            "id": fresh_id,
            "kind": "group",
            "title": "New",
            "members": [],
        },
        ("conversations/direct/", "POST"): {"user": newcomer},
        ("conversations/<uuid:conversation_id>/", "PATCH"): {"title": "New"},
        ("conversations/<uuid:conversation_id>/read/", "POST"): {"seq": 1},
        ("conversations/<uuid:conversation_id>/members/", "POST"): {"user": newcomer},
        ("conversations/<uuid:conversation_id>/members/<uuid:user_id>/", "PATCH"): {
            "role": "admin"
        },
        ("conversations/<uuid:conversation_id>/messages/", "POST"): {
            "id": fresh_id,
            "body": "hello",
        },
        ("conversations/<uuid:conversation_id>/messages/<uuid:message_id>/", "PATCH"): {
            "body": "hello"
        },
        ("sync/", "POST"): {"epoch": None, "versions": {}},
    }
    return bodies.get((address.removeprefix("api/v1/"), method))


#: What is no news to whoever says it.
_MARK: Final = "4401 quiet quiet quiet not_found 4501 not_found not_found not_found 4501 4401 4401"
#: Nobody goes on with a token of somebody else.
_AUTH: Final = (
    "4401 unauthenticated unauthenticated unauthenticated unauthenticated 4501 "
    "unauthenticated unauthenticated unauthenticated 4501 4401 4401"
)

#: What each command of the socket is answered, for the same people. `quiet` is no answer, and
#: no effect is tested apart; a number is the code with which the socket is closed.
COMMANDS: Final[dict[str, str]] = {
    "hello": "4401 welcome welcome welcome welcome 4501 welcome welcome welcome 4501 4401 4401",
    "message.send": "4401 ack ack ack not_found 4501 not_found not_found not_found 4501 4401 4401",
    "read": _MARK,
    "delivered": _MARK,
    "typing": _MARK,
    "sync": "4401 synced synced synced synced 4501 synced synced synced 4501 4401 4401",
    "auth": _AUTH,
    "ping": "4401 pong pong pong pong 4501 pong pong pong 4501 4401 4401",
}
