"""SECRET_KEY can be changed without signing anybody out."""

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import actions, knowndevices, links, totp
from accounts.actions.identity import spend_code
from accounts.models import SecondFactor, User
from accounts.tests.conftest import PASSWORD
from accounts.tests.second_factor import code_of

FRESH = "another key, of which nobody ever told us before"


@pytest.fixture
def change(settings: Settings) -> Callable[[], None]:
    """Call it: from now on another key signs, and the former one is still believed."""

    def changed() -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = FRESH

    return changed


def test_who_is_signed_in_to_the_admin_stays_so(
    alice: User, settings: Settings, change: Callable[[], None]
) -> None:
    alice.is_staff = True
    alice.save()
    browser, idle = Client(), Client()
    for client in (browser, idle):
        client.force_login(alice)
    change()

    assert browser.get(reverse("admin:index")).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert browser.get(reverse("admin:index")).status_code == 200, "bound to the new key by now"
    assert idle.get(reverse("admin:index")).status_code == 302


def test_links_and_known_browsers_stay_good(
    alice: User, settings: Settings, change: Callable[[], None]
) -> None:
    link = links.reset_token(alice)
    cookie = knowndevices.remember("", user_id=alice.pk, password=alice.password)
    change()

    def known() -> str | None:
        return knowndevices.known_device(cookie, user_id=alice.pk, password=alice.password)

    assert links.user_of_reset_token(link) == alice
    assert known()
    settings.SECRET_KEY_FALLBACKS = []
    assert links.user_of_reset_token(link) is None
    assert not known()


def test_a_second_factor_is_read_with_the_former_key_until_it_is_renewed(
    alice: User, recovery: list[str], settings: Settings, change: Callable[[], None]
) -> None:
    before = SecondFactor.objects.get(user=alice).secret
    change()

    call_command("renew_secrets")
    settings.SECRET_KEY_FALLBACKS = []

    assert SecondFactor.objects.get(user=alice).secret != before
    assert spend_code(user=alice, code=code_of(alice))


def test_a_second_factor_that_was_not_renewed_is_good_as_long_as_the_former_key(
    alice: User, recovery: list[str], change: Callable[[], None]
) -> None:
    code = code_of(alice)
    change()

    assert spend_code(user=alice, code=code)


def test_a_secret_that_cannot_be_read_is_told_and_leaves_the_recovery_codes(
    alice: User, bob: User, recovery: list[str], settings: Settings
) -> None:
    code = code_of(alice)
    settings.SECRET_KEY = FRESH
    actions.begin_second_factor(user=bob, password=PASSWORD)

    assert not spend_code(user=alice, code=code)
    with pytest.raises(CommandError, match="those of: alice"):
        call_command("renew_secrets")
    with pytest.raises(totp.SecretLost):
        totp.decrypted(SecondFactor.objects.get(user=alice).secret)
    assert totp.decrypted(SecondFactor.objects.get(user=bob).secret)
    assert spend_code(user=alice, code=recovery[0])
