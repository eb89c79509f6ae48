"""Who may register, and the e-mail that it takes."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error


def registration_by_domain_is_verified(**_: Any) -> list[CheckMessage]:
    """E020."""
    if settings.REGISTRATION != "domain":
        return []
    if settings.EMAIL_VERIFICATION and settings.REGISTRATION_DOMAINS:
        return []
    return [
        Error(
            "REGISTRATION=domain, but no domain is named, or addresses are taken at their word.",
            hint="Set REGISTRATION_DOMAINS, and EMAIL_VERIFICATION with an EMAIL_URL.",
            id="pneumatic.E020",
        )
    ]


def verification_has_mail(**_: Any) -> list[CheckMessage]:
    """E021."""
    if not settings.EMAIL_VERIFICATION or settings.MAIL_ON:
        return []
    return [
        Error(
            "EMAIL_VERIFICATION is on without e-mail: nobody could register.",
            hint="Set EMAIL_URL, or EMAIL_VERIFICATION=0.",
            id="pneumatic.E021",
        )
    ]


def links_have_a_base(**_: Any) -> list[CheckMessage]:
    """E022: the base is never the Host header, which whoever asks can choose."""
    if not settings.PRODUCTION or not settings.MAIL_ON:
        return []
    base = settings.PUBLIC_URL or next(iter(settings.ALLOWED_ORIGINS), "")
    if base.startswith("https://" if settings.HTTPS else ("http://", "https://")):
        return []
    return [
        Error(
            "Links in e-mail have no base: neither PUBLIC_URL nor ALLOWED_ORIGINS is a full "
            "address.",
            hint="Set PUBLIC_URL, for example https://chat.example.org.",
            id="pneumatic.E022",
        )
    ]
