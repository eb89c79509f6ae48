"""Which sockets are let in, and for how long."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.actions import revoke_session
from accounts.authentication import Identity, authenticate_all
from chat import limits, queries
from chat.ws import entrances
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import Unavailable
from pneumatic.testing.factories import World, make_session, make_token
from pneumatic.testing.socket import Device, connected, device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]
#: What a proxy of ours says of who came to it by https.
BY_TLS = (b"x-forwarded-proto", b"https")


async def test_a_socket_without_a_good_token_is_closed(live_world: World) -> None:
    for hello in ({"token": "nonsense"}, {"token": None}, {}):
        device = Device()
        await device.open()
        await device.say(type="hello", **hello)
        assert await device.expect_close() == 4401


async def test_speaking_before_hello_closes_the_socket(live_world: World) -> None:
    device = Device()
    await device.open()
    await device.say(type="ping")
    assert await device.expect_close() == 4401


async def test_the_token_may_come_with_the_handshake(live_world: World) -> None:
    token = await in_database(make_token, live_world.bob)
    device = Device(headers=[(b"authorization", f"Bearer {token}".encode())])
    await device.open()
    await device.say(type="hello")
    await device.expect("welcome")
    await device.close()


async def test_no_hello_in_time_closes_the_socket(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HELLO_SECONDS", 0.01)
    device = Device()
    await device.open()
    assert await device.expect_close() == 4408


@pytest.mark.parametrize(
    "origin",
    [b"https://evil.example", b"null", b"http://testserver.evil.example", b"http://testserver:81"],
)
async def test_a_foreign_page_cannot_open_a_socket(live_world: World, origin: bytes) -> None:
    device = Device(headers=[(b"host", b"testserver"), (b"origin", origin)])
    await device.open()
    assert await device.expect_close() == 4503


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        ([], b"http://testserver"),
        (["https://chat.example.org"], b"http://chat.example.org"),
        (["https://chat.example.org"], b"https://chat.example.org:444"),
        (["https://chat.example.org"], b"https://chat.example.org.evil.example"),
        (["https://chat.example.org"], b"https://testserver"),
    ],
)
async def test_with_https_or_a_list_an_origin_is_the_same_to_the_letter(
    live_world: World, settings: Settings, allowed: list[str], origin: bytes
) -> None:
    settings.HTTPS, settings.ALLOWED_ORIGINS = True, allowed
    settings.TRUSTED_PROXIES = 1
    device = Device(headers=[(b"host", b"testserver"), (b"origin", origin), BY_TLS])
    await device.open()
    assert await device.expect_close() == 4503


@pytest.mark.parametrize(
    ("told", "proxies"),
    [
        ([], 1),
        ([(b"x-forwarded-proto", b"http")], 1),
        ([(b"x-forwarded-proto", b"http, https")], 1),
        ([BY_TLS], 0),
    ],
    ids=["nothing", "http", "http first", "by itself"],
)
@pytest.mark.parametrize("origin", [[], [(b"origin", b"https://testserver")]], ids=["none", "ours"])
async def test_with_https_nobody_speaks_in_the_clear_security_17(
    live_world: World,
    settings: Settings,
    told: list[tuple[bytes, bytes]],
    proxies: int,
    origin: list[tuple[bytes, bytes]],
) -> None:
    settings.HTTPS, settings.TRUSTED_PROXIES = True, proxies
    token = await in_database(make_token, live_world.bob)
    device = Device(token, headers=[(b"host", b"testserver"), *origin, *told])
    await device.open()
    assert await device.expect_close() == 4503


@pytest.mark.parametrize("origin", [[], [(b"origin", b"https://testserver")]], ids=["none", "ours"])
async def test_with_https_who_came_by_tls_is_let_in(
    live_world: World, settings: Settings, origin: list[tuple[bytes, bytes]]
) -> None:
    settings.HTTPS, settings.TRUSTED_PROXIES = True, 1
    token = await in_database(make_token, live_world.bob)
    async with Device(token, headers=[(b"host", b"testserver"), *origin, BY_TLS]):
        pass


async def test_two_origins_are_none(live_world: World) -> None:
    ours = (b"origin", b"http://testserver")
    device = Device(headers=[(b"host", b"testserver"), ours, ours])
    await device.open()
    assert await device.expect_close() == 4503


async def test_a_client_of_another_protocol_is_told_to_stop(live_world: World) -> None:
    device = Device(subprotocols=["pneumatic.v9"])
    await device.open()
    assert await device.expect_close() == 4500


async def test_a_revoked_session_is_closed_and_other_sessions_stay(live_world: World) -> None:
    stolen = await in_database(make_session, live_world.bob)
    device = Device(await in_database(make_token, live_world.bob, stolen))
    await device.hello()
    async with connected(live_world.bob) as (other,):
        await in_database(revoke_session, user=live_world.bob, session_id=stolen.id)
        assert await device.expect_close() == 4501
        await other.refute("error")


async def test_a_token_is_renewed_in_place(live_world: World) -> None:
    session = await in_database(make_session, live_world.bob)
    device = Device(await in_database(make_token, live_world.bob, session))
    await device.hello()
    fresh = await in_database(make_token, live_world.bob, session)
    await device.say(type="auth", token=fresh, ref="a")
    assert (await device.expect("authed"))["ref"] == "a"
    foreign = await in_database(make_token, live_world.alice)
    await device.say(type="auth", token=foreign, ref="b")
    assert (await device.expect("error", ref="b"))["code"] == "unauthenticated"
    await device.close()


async def test_a_token_that_ends_is_announced_and_then_ends_the_socket(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUTH_GRACE", 0.05)

    def short_lived(asked: Any) -> Any:
        expires_at = timezone.now() + timedelta(seconds=0.2)
        ((claims, identity),) = authenticate_all(asked).items()
        assert isinstance(identity, Identity)
        return {claims: replace(identity, expires_at=expires_at)}

    monkeypatch.setattr(entrances, "authenticate_all", short_lived)
    device = await device_of(live_world.bob)
    await device.hello()
    await device.expect("auth.expiring")
    assert await device.expect_close() == 4401


async def test_more_sockets_than_a_person_has_devices_are_refused(
    live_world: World, settings: Settings
) -> None:
    settings.SOCKETS_PER_USER = 1
    async with connected(live_world.bob):
        second = await device_of(live_world.bob)
        await second.open()
        await second.say(type="hello", token=second.token)
        assert await second.expect_close() == 4429


async def test_a_second_hello_is_an_error(live_world: World) -> None:
    async with connected(live_world.bob) as (bob,):
        await bob.say(type="hello", token=bob.token, ref="again")
        assert (await bob.expect("error", ref="again"))["code"] == "invalid"


async def test_a_session_that_ends_during_hello_is_not_let_in(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await in_database(make_session, live_world.bob)

    def revoked_meanwhile(asked: Any) -> Any:
        found = authenticate_all(asked)
        # It is told to the hub alone: the answer is on its way already.
        revoke_session(user=live_world.bob, session_id=session.id)
        return found

    monkeypatch.setattr(entrances, "authenticate_all", revoked_meanwhile)
    device = Device(await in_database(make_token, live_world.bob, session))
    await device.open()
    await device.say(type="hello", token=device.token)
    assert await device.expect_close() == 4501


async def test_a_hello_that_the_database_interrupts_can_be_said_again(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise Unavailable

    device = await device_of(live_world.bob)
    with monkeypatch.context() as patch:
        patch.setattr(queries, "entrances_of", away)
        await device.open()
        await device.say(type="hello", token=device.token)
        assert await device.expect_close() == 4408
    async with Device(device.token):
        pass


@pytest.mark.parametrize("origin", [b"http://[", b"http://testserver@evil.example"])
async def test_an_origin_that_is_no_address_is_refused(live_world: World, origin: bytes) -> None:
    device = Device(headers=[(b"host", b"testserver"), (b"origin", origin)])
    await device.open()
    assert await device.expect_close() == 4503
