"""Mistakes in who may register, and in e-mail, stop the start."""

from typing import Any

import pytest
from pytest_django import Settings

from pneumatic.checks import registration

GOOD = {
    "PRODUCTION": True,
    "HTTPS": True,
    "MAIL_ON": True,
    "EMAIL_VERIFICATION": True,
    "PUBLIC_URL": "https://chat.example.org",
    "REGISTRATION": "domain",
    "REGISTRATION_DOMAINS": ["example.org"],
    "ALLOWED_ORIGINS": [],
}


@pytest.mark.parametrize(
    ("mistake", "found"),
    [
        ({}, []),
        ({"REGISTRATION": "open", "REGISTRATION_DOMAINS": []}, []),
        ({"REGISTRATION_DOMAINS": []}, ["E020"]),
        ({"EMAIL_VERIFICATION": False}, ["E020"]),
        ({"MAIL_ON": False}, ["E021"]),
        ({"PUBLIC_URL": ""}, ["E022"]),
        ({"PUBLIC_URL": "", "ALLOWED_ORIGINS": ["https://chat.example.org"]}, []),
        ({"PUBLIC_URL": "http://chat.example.org"}, ["E022"]),
        ({"PUBLIC_URL": "", "PRODUCTION": False}, []),
    ],
    ids=str,
)
def test_a_mistake_is_named(settings: Settings, mistake: dict[str, Any], found: list[str]) -> None:
    for name, value in {**GOOD, **mistake}.items():
        setattr(settings, name, value)

    messages = [
        message
        for check in (
            registration.registration_by_domain_is_verified,
            registration.verification_has_mail,
            registration.links_have_a_base,
        )
        for message in check()
    ]
    assert [message.id for message in messages] == [f"pneumatic.{each}" for each in found]
    assert all(message.hint for message in messages)
