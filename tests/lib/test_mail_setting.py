"""EMAIL_URL, as it is written and as it is refused."""

import pytest

from pneumatic.lib.config import env
from pneumatic.lib.config.env import BadSetting


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> "type[_Mail]":
    _Mail.patch = monkeypatch
    return _Mail


class _Mail:
    patch: pytest.MonkeyPatch

    @classmethod
    def of(cls, url: str, default: str = "") -> dict[str, object]:
        cls.patch.setenv("EMAIL_URL", url)
        return env.mail("EMAIL_URL", default)


def test_without_an_address_there_is_no_e_mail(mail: type[_Mail]) -> None:
    assert mail.of("") == {}
    assert str(mail.of("", "console:")["EMAIL_BACKEND"]).endswith("console.EmailBackend")


def test_smtp_is_encrypted_unless_told_otherwise(mail: type[_Mail]) -> None:
    found = mail.of("smtp://us%40er:p%3Ass@mail.example.org")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example.org", 587)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("us@er", "p:ss")
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (True, False)
    assert found["EMAIL_TIMEOUT"] == 10

    assert mail.of("smtp://localhost:25?tls=0")["EMAIL_USE_TLS"] is False
    implicit = mail.of("smtps://mail.example.org")
    assert (implicit["EMAIL_PORT"], implicit["EMAIL_USE_SSL"]) == (465, True)
    assert implicit["EMAIL_USE_TLS"] is False


def test_messages_may_go_to_a_folder(mail: type[_Mail]) -> None:
    assert mail.of("file:///srv/mail%20out")["EMAIL_FILE_PATH"] == "/srv/mail out"


@pytest.mark.parametrize("url", ["mail.example.org", "smtp://", "smtp://host:x", "http://host"])
def test_nonsense_stops_the_start(mail: type[_Mail], url: str) -> None:
    with pytest.raises(BadSetting, match="EMAIL_URL"):
        mail.of(url)
