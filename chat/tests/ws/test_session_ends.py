"""Security list 4: whatever ends a session closes its sockets with 4501, and no others."""

from collections.abc import Callable

import pytest

from accounts import actions
from accounts.errors import SessionRevoked
from accounts.models import RevokedReason, Session, User
from accounts.tokens import issue
from chat import limits
from chat.ws import hub as hub_module
from chat.ws import polling
from chat.ws.hub import hub
from pneumatic.lib import realtime
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_session, make_token
from pneumatic.testing.socket import Device, connected

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

ENDS: dict[str, Callable[[User, Session], object]] = {
    "sign-out": lambda user, session: actions.sign_out(session=session),
    "sign-out from another device": lambda user, session: actions.revoke_session(
        user=user, session_id=session.pk
    ),
    "sign-out everywhere": lambda user, session: actions.sign_out_everywhere(user=user),
    "password change": lambda user, session: actions.set_password(
        user=user, new="nine blue candles"
    ),
    "suspension": lambda user, session: actions.suspend_user(user=user),
    "staff": lambda user, session: actions.revoke_sessions(
        sessions=Session.objects.filter(pk=session.pk), actor=user
    ),
    "powers": lambda user, session: actions.powers_changed(
        user=user, powers=["is_staff"], actor=User.objects.get(username="alice")
    ),
    "theft": lambda user, session: _steal(session),
}


def _steal(session: Session) -> None:
    stolen = issue(session).refresh
    next_one = issue(actions.refresh_session(refresh=stolen)).refresh
    actions.refresh_session(refresh=next_one)
    with pytest.raises(SessionRevoked):
        actions.refresh_session(refresh=stolen)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_socket_closes_when_its_session_ends_by(
    live_world: World, end: Callable[[User, Session], object]
) -> None:
    session = await in_database(make_session, live_world.bob)
    device = Device(await in_database(make_token, live_world.bob, session))
    await device.hello()
    async with connected(live_world.alice) as (alice,):
        await in_database(end, live_world.bob, session)

        # A bound for what is broken; with the announcement lost it would take 20 s.
        assert await device.expect_close() == 4501
        await alice.refute("error")
    late = Device(device.token)
    await late.open()
    await late.say(type="hello", token=late.token, epoch=None, versions={})
    assert await late.expect_close() == 4501


def _end_unheard(session: Session) -> None:
    """End it in the database, as a process does that can't reach the others."""
    ended = actions.end_sessions(
        Session.objects.filter(pk=session.pk), reason=RevokedReason.SIGNED_OUT
    )
    assert ended == 1


@pytest.mark.parametrize("how", ["revoked", "suspended", "deleted"])
async def test_an_end_that_nobody_heard_of_closes_the_socket_with_the_next_heartbeat(
    live_world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    assert hub_module._KEEP_ALIVE_SECONDS <= limits.HEARTBEAT
    monkeypatch.setattr(hub_module, "_KEEP_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(realtime, "publish", lambda *_: None)
    session = await in_database(make_session, live_world.charlie)
    device = Device(await in_database(make_token, live_world.charlie, session))
    async with connected(live_world.alice) as (alice,):
        await device.hello()
        match how:
            case "revoked":
                await in_database(_end_unheard, session)
            case "suspended":
                await in_database(User.objects.filter(username="charlie").update, is_active=False)
            case "deleted":
                await in_database(live_world.charlie.delete)

        assert await device.expect_close() == 4501
        await alice.refute("error")


async def test_while_the_channel_layer_is_away_ends_are_looked_for_in_the_database(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "_POLL_SECONDS", 0.05)
    session = await in_database(make_session, live_world.bob)
    device = Device(await in_database(make_token, live_world.bob, session))
    await device.hello()
    monkeypatch.setattr(realtime, "publish", lambda *_: None)
    bus = hub()._rooms.bus
    monkeypatch.setattr(bus, "_hear", lambda beat: None)
    bus._lost("send", ConnectionError())

    await in_database(_end_unheard, session)

    assert await device.expect_close() == 4501
