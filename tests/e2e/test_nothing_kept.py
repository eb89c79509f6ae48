"""What opens a door is in no address, and in nothing that the browser keeps for scripts."""

import json
import re

from playwright.sync_api import Request, WebSocket, expect

from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import MakePerson
from tests.e2e.person import PASSWORD

#: Everything that a script of this page could read later: two storages, databases, cookies, caches.
_KEPT = """async () => {
  const kept = { local: {...localStorage}, session: {...sessionStorage}, cookies: document.cookie,
                 address: location.href, caches: await caches.keys(), databases: {} };
  for (const { name } of await indexedDB.databases()) {
    const opened = await new Promise((resolve, reject) => {
      const asked = indexedDB.open(name);
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    for (const store of opened.objectStoreNames) {
      kept.databases[`${name}.${store}`] = await new Promise((resolve, reject) => {
        const asked = opened.transaction(store).objectStore(store).getAll();
        asked.onsuccess = () => resolve(asked.result);
        asked.onerror = () => reject(asked.error);
      });
    }
    opened.close();
  }
  return JSON.stringify(kept);
}"""
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+")


def test_no_token_is_in_an_address_or_in_what_the_browser_keeps(
    make_person: MakePerson, server: ChatServer
) -> None:
    alice, bob = make_person("Alice Archer", server), make_person("Bob Baker", server)
    page = alice.page
    requests: list[Request] = []
    sockets: list[WebSocket] = []
    # Playwright takes no method of a list.
    page.on("request", lambda each: requests.append(each))
    page.on("websocket", lambda each: sockets.append(each))
    alice.context.clear_cookies()
    alice.visit("/sign-in")
    alice.sign_in()
    alice.is_connected()
    alice.begin(bob)
    alice.write("something to keep")
    alice.sees_mark("something to keep", "sent")
    page.reload()
    alice.is_connected()
    alice.sees("something to keep")

    kept = page.evaluate(_KEPT)
    assert "something to keep" in kept, "it was there to be searched"
    assert not _TOKEN.search(kept)
    assert PASSWORD not in kept
    assert json.loads(kept)["cookies"] == ""

    page.goto(f"{alice.line.url}/reset#a-secret-of-a-link")
    expect(page.get_by_label("New password", exact=True)).to_be_visible()
    assert "a-secret-of-a-link" not in page.evaluate(_KEPT)

    headers = [each.all_headers() for each in requests]
    assert any(_TOKEN.search(each.get("authorization", "")) for each in headers), "tokens were used"
    told = [*(each.url for each in requests), *(each.url for each in sockets)]
    told += [each.get("referer", "") for each in headers]
    assert sockets
    assert not [
        each for each in told if _TOKEN.search(each) or "secret-of" in each.partition("#")[0]
    ]
