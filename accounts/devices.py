"""What a device is called and where it calls from, out of what its requests say."""

import ipaddress
import unicodedata
from typing import Final

DEVICE_MAX: Final = 80
USER_AGENT_MAX: Final = 300

# In this order: Edge, Opera and Samsung also say Chrome; Chrome also says Safari.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-", "Python"),
    ("okhttp/", "Android app"),
)
# Android also says Linux; iPhone and iPad also say Mac OS X.
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def clean_user_agent(value: str) -> str:
    """``value`` without control characters, cut to what is stored."""
    kept = "".join(c for c in value[: 4 * USER_AGENT_MAX] if unicodedata.category(c)[0] != "C")
    return kept.strip()[:USER_AGENT_MAX]


def guess_device(user_agent: str) -> str:
    """A short name for people, such as “Firefox on Linux”; “Unknown device” when nothing fits."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return " on ".join(part for part in (browser, system) if part) or "Unknown device"


def clean_address(value: str | None) -> str | None:
    """``value`` as an address that the database takes, or None where it is none.

    An IPv4 address inside IPv6 becomes the former; an interface's name is dropped.
    """
    try:
        address = ipaddress.ip_address((value or "").partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
