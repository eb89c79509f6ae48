"""Which name and account somebody gets who comes from the provider for the first time."""

from dataclasses import replace

import pytest

from accounts.errors import SignOnFailed
from accounts.models import User
from accounts.tests.identities import CAROL, enter


@pytest.mark.parametrize(
    ("username", "email", "expected"),
    [
        ("carol", "c@example.org", "carol"),
        ("", "carol.koh@example.org", "carol.koh"),
        ("carol.koh@example.org", "c@example.org", "carol.koh"),
        ("Ünï Çödé", "c@example.org", "UniCode"),
        ("李", "c@example.org", "member"),
        ("__carol__", "c@example.org", "carol"),
        ("x", "c@example.org", "xmember"),
        ("../../etc/passwd", "c@example.org", "etcpasswd"),
        ("a" * 1000, "c@example.org", "a" * 23),
        ("ca\0rol\n", "c@example.org", "carol"),
    ],
    ids=ascii,
)
def test_the_username_is_made_of_what_the_provider_calls_them(
    db: None, username: str, email: str, expected: str
) -> None:
    user = enter(replace(CAROL, username=username, email=email))

    user.full_clean(exclude=["password"])
    assert user.username == expected


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("Carol Koh", "Carol Koh"),
        ("", "carol"),
        ("\u202elorac", "carol"),
        ("\u3164", "carol"),
        ("a\nb", "carol"),
        ("x" * 500, "x" * 64),
    ],
    ids=ascii,
)
def test_the_name_is_shown_if_it_may_be(db: None, told: str, shown: str) -> None:
    assert enter(replace(CAROL, display_name=told)).display_name == shown


def test_many_of_one_name_all_come_in(db: None) -> None:
    names = {
        enter(replace(CAROL, subject=str(n), email=f"c{n}@example.org")).username for n in range(12)
    }

    assert len(names) == 12
    assert {"carol", "carol2", "carol9"} <= names


def test_without_registration_nothing_is_made(db: None) -> None:
    with pytest.raises(SignOnFailed) as refused:
        enter(may_register=False)

    assert refused.value.reason == "no_account"
    assert not User.objects.exists()
