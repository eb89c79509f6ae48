"""What people write is text in the pages that the server writes: the admin, the browsable API."""

from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client

from accounts.actions.audit import record
from accounts.models import AuditKind, Session, User
from chat.models import Conversation, Message
from pneumatic.testing.factories import World, make_session, say
from tests.security.payloads import MARKUP

_RUN = "window.pwned"


class _Looking(HTMLParser):
    """Collects what would run: scripts with ours in them, handlers, addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"
        for name, value in attrs:
            runs = name.startswith("on") or name in ("href", "src", "action", "srcdoc", "style")
            # Addresses that only say it, in a question, go to us.
            if runs and _RUN in (value or "") and not (value or "").startswith(("/", "?")):
                self.found.append(f"<{tag} {name}={value}>")

    def handle_data(self, data: str) -> None:
        if self._in_script and _RUN in data:
            self.found.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False


def _what_runs(html: str) -> list[str]:
    looking = _Looking()
    looking.feed(html)
    return looking.found


def test_the_look_finds_what_would_run() -> None:
    assert all(_what_runs(text) for text in MARKUP if text.startswith("<img src=x onerror"))


@pytest.fixture
def root(world: World) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.org", "x" * 20))
    return client


def test_no_text_runs_in_the_admin_or_the_browsable_api(world: World, root: Client) -> None:
    texts = [" ".join(text.split())[:80] for text in MARKUP if _RUN in text[:80]]
    assert len(texts) > 30
    # Past the actions: much of it is refused where it is written.
    group = Conversation.objects.filter(pk=world.group.pk)
    group.update(title=texts[0], topic=" ".join(texts)[:250])
    User.objects.filter(pk=world.alice.pk).update(display_name=texts[1][:64])
    for text in texts:
        session = make_session(world.alice)
        Session.objects.filter(pk=session.pk).update(device=text, user_agent=text)
        message = say(world.alice, world.group)
        Message.objects.filter(pk=message.pk).update(body=text)
        record(kind=AuditKind.SIGNED_IN, user=world.alice, address=None, detail={"device": text})
    admin = f"/{settings.ADMIN_PATH}"
    lists = [
        f"{admin}{app}/{model}/"
        for app, model in (
            ("accounts", "user"), ("accounts", "session"), ("accounts", "auditevent"),
            ("accounts", "invitation"), ("chat", "conversation"), ("chat", "membership"),
            ("chat", "message"),
        )
    ]  # fmt: skip
    pages = [
        admin,
        *lists,
        *(f"{each}?q={quote(texts[0])}" for each in lists),
        f"{lists[0]}{world.alice.pk}/change/",
        f"{lists[0]}{world.alice.pk}/history/",
        f"{lists[1]}{session.pk}/change/",
        f"{lists[4]}{world.group.pk}/change/",
        f"{lists[6]}{message.pk}/change/",
        f"{admin}nowhere/{quote(texts[0])}",
    ]
    _nothing_runs(root, pages, least=8)
    root.force_login(world.alice)
    own = f"conversations/{world.group.id}/"
    names = ("users/me/", "conversations/", own, f"{own}messages/?limit=100", "auth/sessions/")
    _nothing_runs(root, [f"/api/v1/{name}" for name in names], least=len(names))


def _nothing_runs(client: Client, paths: list[str], *, least: int) -> None:
    shown = 0
    for path in paths:
        answer = client.get(path, headers={"accept": "text/html"}, follow=True)
        assert answer["Content-Type"].startswith("text/html"), path
        html = answer.content.decode()
        shown += "pwned" in html
        assert _what_runs(html) == [], path
    assert shown >= least, "it was there to be taken for markup"
