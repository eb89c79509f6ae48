"""Codes of an authenticator app (RFC 6238: SHA-1, 6 digits, 30 seconds) and recovery codes."""

import base64
import hashlib
import hmac
import secrets
from typing import Final

import pyotp
import segno
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

ISSUER: Final = "Pneumatic Chat"
STEP_SECONDS: Final = 30
#: Steps that a phone's clock may be early or late.
WINDOW: Final = 1
#: What one may type: digits with spaces, or a recovery code with hyphens.
CODE_MAX: Final = 40
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10  # 80 bits, 16 letters: a plain digest of it can't be searched
_SALT: Final = "accounts.totp"


class SecretLost(Exception):
    """The stored secret was encrypted with a SECRET_KEY that we don't have any more."""


def new_secret() -> str:
    """160 random bits in base32, as authenticator apps take them."""
    return pyotp.random_base32(32)


def _box() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet(
        [
            Fernet(
                base64.urlsafe_b64encode(
                    salted_hmac(_SALT, "", secret=key, algorithm="sha256").digest()
                )
            )
            for key in keys
        ]
    )


def encrypted(secret: str) -> str:
    """``secret`` as it is stored: a copy of the database alone opens nobody's account."""
    return _box().encrypt(secret.encode()).decode()


def decrypted(stored: str) -> str:
    """The secret; raises ``SecretLost``."""
    try:
        return _box().decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise SecretLost from error


def renewed(stored: str) -> str:
    """``stored``, encrypted with the present SECRET_KEY; raises ``SecretLost``."""
    try:
        return _box().rotate(stored.encode()).decode()
    except InvalidToken as error:
        raise SecretLost from error


def provisioning_uri(secret: str, *, username: str) -> str:
    """The ``otpauth://`` address that a QR code carries into the app."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(
        name=username, issuer_name=ISSUER
    )


def qr_code(uri: str) -> str:
    """``uri`` as a QR code: an SVG in a ``data:`` address, dark on white whatever the theme."""
    return segno.make(uri, error="m").svg_data_uri(scale=4, border=3, dark="#000", light="#fff")


def cleaned(code: str) -> str:
    """``code`` without the spaces and hyphens that people put into it, in capitals."""
    return "".join(character for character in code if character not in " -\u2011").upper()


def is_one_time(code: str) -> bool:
    """Whether a cleaned code has the form of an authenticator's; else it is a recovery code."""
    return len(code) == 6 and code.isascii() and code.isdecimal()


def step_of(secret: str, code: str, *, now: float) -> int | None:
    """The time step whose code this is, among the one of ``now`` and its neighbours; or None.

    All of them are compared, so that the time taken tells nothing.
    """
    otp = pyotp.HOTP(secret)
    present = int(now // STEP_SECONDS)
    found = None
    for step in range(present + WINDOW, present - WINDOW - 1, -1):
        if hmac.compare_digest(otp.at(step), code):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Ten codes to print, in groups of four."""
    texts = (
        base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
        for _ in range(RECOVERY_CODES)
    )
    return ["-".join(text[at : at + 4] for at in range(0, 16, 4)) for text in texts]


def digest(code: str) -> str:
    """What is stored of a cleaned recovery code, or of another random secret of 80 bits or more."""
    return hashlib.sha256(code.encode()).hexdigest()
