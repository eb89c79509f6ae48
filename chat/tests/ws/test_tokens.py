"""Security list 1 and 5 on the socket: which tokens open one, and that only its frames bring them.

What REST makes of the same tokens: `accounts/tests/test_tokens.py` and `test_keyring.py`.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.conf import settings

from accounts import actions
from accounts.errors import SessionRevoked
from accounts.keyring import key_id
from accounts.tokens import Pair, issue
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_session
from pneumatic.testing.socket import HEADERS, Device

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

KEY: str = settings.JWT_SIGNING_KEYS[0]


def _signed(
    pair: Pair, *, key: str = KEY, algorithm: str = "HS256", kid: str = "", **changes: Any
) -> str:
    claims = {**jwt.decode(pair.access, options={"verify_signature": False}), **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.PyJWS().encode(
        json.dumps(kept).encode(),
        key,
        algorithm=algorithm,
        headers={"kid": kid or key_id(KEY)},
    )


def _unsigned(pair: Pair) -> str:
    head = json.dumps({"alg": "none", "typ": "JWT", "kid": key_id(KEY)}).encode()
    return f"{base64.urlsafe_b64encode(head).decode().rstrip('=')}.{pair.access.split('.')[1]}."


BAD: dict[str, Callable[[Pair], str]] = {
    "alg none": _unsigned,
    "another algorithm": lambda pair: _signed(pair, algorithm="HS512"),
    "another key": lambda pair: _signed(pair, key="k" * 64),
    "an unknown kid": lambda pair: _signed(pair, kid="0" * 16),
    "a foreign issuer": lambda pair: _signed(pair, iss="someone-else"),
    "a foreign audience": lambda pair: _signed(pair, aud="someone-else"),
    "a refresh token": lambda pair: pair.refresh,
    "an expired one": lambda pair: _signed(pair, exp=int(time.time()) - 60),
    "one not valid yet": lambda pair: _signed(pair, nbf=int(time.time()) + 600),
    "one from the future": lambda pair: _signed(pair, iat=int(time.time()) + 600),
    "a text as its end": lambda pair: _signed(pair, exp="99999999999"),
    "a text as its beginning": lambda pair: _signed(pair, iat="1"),
    "no session": lambda pair: _signed(pair, sid=None),
    "the session of nobody": lambda pair: _signed(pair, sub="0190b6a0-0000-7000-8000-000000000000"),
    "nonsense": lambda pair: "nonsense",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_no_socket_opens_with(live_world: World, bad: Callable[[Pair], str]) -> None:
    pair = await in_database(lambda: issue(make_session(live_world.bob)))
    device = Device()
    await device.open()
    await device.say(type="hello", token=bad(pair))

    assert await device.expect_close() == 4401
    assert device.received == []


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_no_socket_is_renewed_with(live_world: World, bad: Callable[[Pair], str]) -> None:
    pair = await in_database(lambda: issue(make_session(live_world.bob)))
    async with Device(pair.access) as device:
        await device.say(type="auth", token=bad(pair), ref="a")
        assert (await device.expect("error", ref="a"))["code"] == "unauthenticated"
        await device.refute("authed")


async def test_a_token_in_the_address_or_a_cookie_opens_nothing(live_world: World) -> None:
    pair = await in_database(lambda: issue(make_session(live_world.bob)))
    device = Device(headers=[*HEADERS, (b"cookie", f"access={pair.access}".encode())])
    device.socket.scope["query_string"] = f"token={pair.access}".encode()
    await device.open()
    await device.say(type="hello", epoch=None, versions={})

    assert await device.expect_close() == 4401


async def test_the_first_use_on_a_socket_kills_the_refresh_token_before(live_world: World) -> None:
    """Security list 2: the new pair is in use, so who brings the old token is a thief."""
    old = await in_database(lambda: issue(make_session(live_world.bob)))
    new = await in_database(lambda: issue(actions.refresh_session(refresh=old.refresh)))
    device = Device(new.access)
    await device.hello()

    with pytest.raises(SessionRevoked):
        await in_database(lambda: actions.refresh_session(refresh=old.refresh))

    assert await device.expect_close() == 4501
    await device.close()
