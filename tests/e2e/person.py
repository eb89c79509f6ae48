"""A person at a browser: what they do, and what they see."""

import json
import re
import uuid
from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Locator, Page, expect
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from chat import limits
from tests.e2e.line import Line
from tests.e2e.troubles import LINE_DOWN, Troubles

PASSWORD = "correct horse battery staple"
CONNECTED = re.compile(r"^(connected|slow)$")
LOST = re.compile(r"^(reconnecting|trying|offline|restarting)$")


class Person:
    """Someone with a browser of their own (a context) and a line of their own to the server."""

    def __init__(self, name: str, context: BrowserContext, line: Line) -> None:
        self.display_name = name
        # Several tests share a server, so a name is used once.
        self.username = f"{name.lower().replace(' ', '.')}.{uuid.uuid4().hex[:6]}"
        self.email = f"{self.username}@example.org"
        self.context = context
        self.line = line
        self.troubles = Troubles(context)
        self.page = context.new_page()
        self.id = ""
        self.token = ""

    # --- Coming in ------------------------------------------------------------------------------

    def join(self) -> None:
        """Get an account without the form, and be signed in with this browser."""
        self._enter("register/", self.account())

    def join_as(self, username: str, password: str) -> None:
        """Be signed in with this browser as somebody who has an account."""
        self.username = username
        self._enter("token/", {"username": username, "password": password})

    def _enter(self, door: str, body: dict[str, str]) -> None:
        answer = self.context.request.post(
            f"{self.line.url}/api/v1/auth/{door}", data={**body, "cookie": True}
        )
        assert answer.ok, answer.text()
        grant = answer.json()
        self.id, self.token = grant["user"]["id"], grant["access"]

    def account(self) -> dict[str, str]:
        """What one registers with."""
        return {
            "username": self.username,
            "email": self.email,
            "password": PASSWORD,
            "display_name": self.display_name,
        }

    def visit(self, path: str = "/") -> None:
        """Open an address of the chat."""
        self.page.goto(f"{self.line.url}{path}")

    def come_in(self, path: str = "/") -> None:
        """Open the chat, signed in, and wait until it is connected."""
        self.visit(path)
        self.is_connected()

    def fill_in_registration(self, **changes: str) -> None:
        """Fill in the form that is open, and send it."""
        account = {**self.account(), **changes}
        self.page.get_by_label("Your name").fill(account["display_name"])
        self.page.get_by_label("Username").fill(account["username"])
        self.page.get_by_label("Email").fill(account["email"])
        self.page.get_by_label("Password", exact=True).fill(account["password"])
        self.page.get_by_role("button", name="Create account").click()

    def sign_in(self, password: str = PASSWORD) -> None:
        """Fill in the form that is open, and send it."""
        self.page.get_by_label("Email or username").fill(self.username)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    # --- Going about ----------------------------------------------------------------------------

    def begin(self, *others: "Person", title: str = "") -> str:
        """Begin a conversation by searching for people; its id."""
        self.page.get_by_role("button", name="New conversation").first.click()
        dialog = self.page.get_by_role("dialog")
        for other in others:
            search = dialog.get_by_role("searchbox")
            search.fill(other.username)
            dialog.get_by_role("checkbox", name=other.display_name).check()
        if title:
            dialog.get_by_label("Group name").fill(title)
        dialog.get_by_role("button", name=re.compile("Open conversation|Create group")).click()
        self.page.wait_for_url("**/c/*")
        return self.page.url.rsplit("/", 1)[1]

    def open(self, title: str) -> None:
        """Open a conversation from the list."""
        self.row(title).click()
        expect(self.page.locator(".conversation-title")).to_have_text(title)

    def write(self, *texts: str, page: Page | None = None) -> None:
        """Send messages with the keyboard."""
        box = (page or self.page).locator("#composer")
        for text in texts:
            box.fill(text)
            box.press("Enter")
            expect(box).to_have_value("")

    def lose_the_line(self) -> None:
        """Go offline: the browser says so, and every connection is really cut."""
        self.troubles.expect_from_now_on(LINE_DOWN)
        self.context.set_offline(True)
        self.line.cut()

    def find_the_line(self) -> None:
        """Come back."""
        self.line.mend()
        self.context.set_offline(False)

    # --- Seeing ---------------------------------------------------------------------------------

    def row(self, title: str) -> Locator:
        """A conversation's row in the list."""
        return self.page.locator("a.row", has_text=title)

    def message(self, text: str, page: Page | None = None) -> Locator:
        """The message with this text, in the open conversation."""
        return (page or self.page).locator("[role=feed] article", has_text=text)

    def sees(self, *texts: str, page: Page | None = None) -> None:
        """Wait until the conversation shows these messages of people, and no others, in order."""
        expect((page or self.page).locator("[role=feed] .bubble-body")).to_have_text(list(texts))

    def sees_mark(self, text: str, state: str) -> None:
        """Wait for a message's delivery mark."""
        mark = self.message(text).locator(".tick-box")
        expect(mark).to_have_attribute("data-state", state)

    def connection(self, page: Page | None = None) -> Locator:
        """The connection's button, below the list or in the phone's header."""
        return (page or self.page).locator("[data-connection]")

    def is_connected(self, page: Page | None = None) -> None:
        """Wait until the page says so."""
        expect(self.connection(page)).to_have_attribute(
            "data-connection", CONNECTED, timeout=15_000
        )

    def is_cut_off(self) -> None:
        """Wait until the page says so."""
        expect(self.connection()).to_have_attribute("data-connection", LOST, timeout=15_000)

    # --- Asking the server ----------------------------------------------------------------------

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """What REST answers this person. Needs `join`, or a token."""
        answer = httpx.request(
            method,
            f"http://127.0.0.1:{self.line.server_port}/api/v1/{path}",
            json=body or None,
            headers={"Authorization": f"Bearer {self.token}"} if self.token else {},
            timeout=20,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def send_many(self, conversation: str, texts: list[str]) -> None:
        """Send messages, in order, over sockets of their own: REST takes long for many."""
        # No more on each than one socket may say in a burst.
        for start in range(0, len(texts), limits.FRAMES_BURST - 1):
            self._send_burst(conversation, texts[start : start + limits.FRAMES_BURST - 1])

    def _send_burst(self, conversation: str, texts: list[str]) -> None:
        address = f"ws://127.0.0.1:{self.line.server_port}/ws/"
        with connect(address, subprotocols=[Subprotocol("pneumatic.v1")], proxy=None) as socket:
            socket.send(json.dumps({"type": "hello", "token": self.token, "versions": {}}))
            for text in texts:
                ref = str(uuid.uuid4())
                frame = {"type": "message.send", "ref": ref, "id": ref, "body": text}
                socket.send(json.dumps({**frame, "conversation": conversation}))
            left = len(texts)
            while left:
                event = json.loads(socket.recv(timeout=20))
                for each in event.get("events", [event]):
                    assert each["type"] != "error", each
                    left -= each["type"] == "ack"

    def get_token(self) -> None:
        """A session of its own for `ask`, for someone who registered in the browser."""
        grant = self.ask("POST", "auth/token/", username=self.username, password=PASSWORD)
        self.id, self.token = grant["user"]["id"], grant["access"]

    def stored(self, conversation: str) -> list[str]:
        """The messages of people that the database has, in order."""
        page = self.ask("GET", f"conversations/{conversation}/messages/?limit=100")
        return [row["body"] for row in page["results"] if row["kind"] == "text"]
