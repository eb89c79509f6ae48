import assert from "node:assert/strict";
import test from "node:test";
import { createApp } from "app/services/app.js";
import { FakeTab, settle } from "./fakes.mjs";
import { acknowledge, connected, greet, hello, ROOM_FRAME } from "./tab.mjs";
import { ALICE, ROOM, welcome } from "./world.mjs";

test("a message is stored, painted and sent; the next waits for its acknowledgement", async () => {
  const { app, tab } = await connected();
  const first = await app.outbox.send({ conversation: ROOM, body: "one" });
  await app.outbox.send({ conversation: ROOM, body: "two", reply_to: first });
  assert.deepEqual(tab.socket.of("message.send"), [{ type: "message.send", ref: first, id: first, conversation: ROOM, body: "one" }]);
  assert.equal((await tab.browser.db(ALICE.id).outbox()).length, 2);
  acknowledge(tab, tab.socket.of("message.send")[0], 4);
  await tab.clock.advance(16);
  assert.deepEqual(tab.socket.of("message.send").map(({ body, reply_to }) => [body, reply_to]), [["one", undefined], ["two", first]]);
  acknowledge(tab, tab.socket.of("message.send")[1], 5);
  await tab.clock.advance(16);
  assert.deepEqual(app.state.value.outbox, []);
  assert.deepEqual(await tab.browser.db(ALICE.id).outbox(), []);
});

test("a lost acknowledgement repeats the same id, over the same and over the next socket", async () => {
  const { app, tab } = await connected();
  const id = await app.outbox.send({ conversation: ROOM, body: "one" });
  await tab.clock.advance(10_000);
  assert.deepEqual(tab.socket.of("message.send").map((frame) => frame.id), [id, id]);
  tab.socket.drop(1006);
  assert.equal(app.state.value.outbox[0].state, "waiting");
  await tab.clock.advance(250);
  greet(tab);
  await tab.clock.advance(16);
  assert.deepEqual(tab.socket.of("message.send").map((frame) => frame.id), [id]);
});

test("a refusal for good lets the next go, and trying again sends it again", async () => {
  const { app, tab } = await connected();
  const id = await app.outbox.send({ conversation: ROOM, body: "one" });
  await app.outbox.send({ conversation: ROOM, body: "two" });
  tab.socket.receive({ type: "error", ref: id, code: "too_large", detail: "Too long." });
  await tab.clock.advance(16);
  assert.deepEqual(app.state.value.outbox.map(({ state }) => state), ["failed", "sending"]);
  await app.outbox.edit(id, "shorter");
  assert.equal(app.state.value.outbox[0].state, "sending", "older than the other, so it goes first");
  assert.deepEqual(tab.socket.of("message.send").map(({ body }) => body), ["one", "two", "shorter"]);
});

test("a text that is on its way can't be edited, one that waits can, and be removed", async () => {
  const { app, tab } = await connected();
  const first = await app.outbox.send({ conversation: ROOM, body: "one" });
  const second = await app.outbox.send({ conversation: ROOM, body: "two" });
  await assert.rejects(app.outbox.edit(first, "other"), { name: "AlreadySentError" });
  await app.outbox.edit(second, "zwei");
  assert.deepEqual(app.state.value.outbox.map(({ body }) => body), ["one", "zwei"]);
  await app.outbox.remove(second);
  assert.deepEqual((await tab.browser.db(ALICE.id).outbox()).map(({ body }) => body), ["one"]);
});

test("a rate limit is waited for as long as the server said", async () => {
  const { app, tab } = await connected();
  const id = await app.outbox.send({ conversation: ROOM, body: "one" });
  tab.socket.receive({ type: "error", ref: id, code: "rate_limited", detail: "Slow down.", retry_after: 3 });
  await tab.clock.advance(2_900);
  assert.equal(tab.socket.of("message.send").length, 1);
  await tab.clock.advance(200);
  assert.equal(tab.socket.of("message.send").length, 2);
  assert.equal(app.state.value.outbox[0].state, "sending");
});

test("the text stays with its writer when the disk refuses it", async () => {
  const { app, tab } = await connected();
  tab.browser.db(ALICE.id).putOutbox = async () => {
    throw new Error("QuotaExceededError");
  };
  await assert.rejects(app.outbox.send({ conversation: ROOM, body: "one" }), { name: "StorageError" });
  assert.deepEqual(app.state.value.outbox, []);
});

test("a new page starts with what the last one knew, and sends what waited", async () => {
  const { app, tab } = await connected();
  tab.socket.drop(1006);
  const id = await app.outbox.send({ conversation: ROOM, body: "kept" });
  app.drafts.set(ROOM, "half a thought");
  await tab.clock.advance(240);
  tab.onHide.forEach((callback) => callback());
  await settle();
  app.sync.disconnect();

  // The former page is gone, and with it its locks.
  const next = new FakeTab();
  next.browser.dbs = tab.browser.dbs;
  next.browser.storage = tab.browser.storage;
  const again = createApp(next.ports());
  await again.session.resume();
  await settle();
  assert.equal(again.state.value.conversations[ROOM].known, 5);
  assert.equal(Object.keys(again.state.value.conversations[ROOM].messages).length, 3);
  assert.deepEqual(again.state.value.drafts, { [ROOM]: "half a thought" });
  next.socket.open();
  assert.deepEqual(hello(next).versions, { [ROOM]: 5 });
  next.socket.receive(welcome(), { type: "synced" });
  await next.clock.advance(16);
  assert.deepEqual(next.socket.of("message.send").map((frame) => frame.id), [id]);
});

test("of two tabs one sends, and the other takes over when it closes", async () => {
  const { app: first, tab } = await connected();
  const other = new FakeTab(tab.browser, tab.clock);
  const second = createApp(other.ports());
  const resumed = second.session.resume();
  await tab.clock.advance(100);
  assert.equal(await resumed, true);
  await settle();
  greet(other, ROOM_FRAME());
  await tab.clock.advance(16);

  const id = await second.outbox.send({ conversation: ROOM, body: "from the second" });
  await tab.clock.advance(16);
  assert.deepEqual(other.socket.of("message.send"), []);
  assert.deepEqual(tab.socket.of("message.send").map((frame) => frame.id), [id]);
  acknowledge(tab, tab.socket.of("message.send")[0], 4);
  await tab.clock.advance(16);
  assert.deepEqual([first.state.value.outbox, second.state.value.outbox], [[], []]);

  tab.answers["auth/logout/"] = () => null;
  tab.socket.drop(4501);
  await tab.clock.advance(100);
  await second.outbox.send({ conversation: ROOM, body: "alone" });
  await tab.clock.advance(16);
  assert.deepEqual(other.socket.of("message.send").map(({ body }) => body), ["alone"]);
});
