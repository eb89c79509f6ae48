import pytest

from accounts.devices import clean_address, clean_user_agent, guess_device

_MOZILLA = "Mozilla/5.0"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (f"{_MOZILLA} (X11; Linux x86_64; rv:140.0) Gecko/2010 Firefox/140.0", "Firefox on Linux"),
        (
            f"{_MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/18 Safari/605",
            "Safari on macOS",
        ),
        (
            f"{_MOZILLA} (Windows NT 10.0) AppleWebKit/537 Chrome/140 Safari/537 Edg/140",
            "Edge on Windows",
        ),
        (f"{_MOZILLA} (Linux; Android 15) Chrome/140 Mobile Safari/537", "Chrome on Android"),
        (f"{_MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140", "Chrome on iPhone"),
        ("curl/8.5.0", "curl"),
        ("something else", "Unknown device"),
        ("", "Unknown device"),
    ],
)  # fmt: skip
def test_a_device_is_named_after_browser_and_system(user_agent: str, device: str) -> None:
    assert guess_device(user_agent) == device


def test_a_user_agent_keeps_neither_control_characters_nor_endless_length() -> None:
    assert clean_user_agent("a\x1b[31m\r\nb" + "c" * 10_000) == "a[31mb" + "c" * 294


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("testserver", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_is_one_that_the_database_takes_or_none(
    given: str | None, kept: str | None
) -> None:
    assert clean_address(given) == kept
