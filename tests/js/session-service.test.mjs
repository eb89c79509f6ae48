import assert from "node:assert/strict";
import test from "node:test";
import { createApp } from "app/services/app.js";
import { FakeTab, grant, settle } from "./fakes.mjs";
import { connected, greet, hello, ROOM_FRAME } from "./tab.mjs";
import { ALICE, ROOM } from "./world.mjs";

test("a refused token is refreshed once, then it reconnects without waiting", async () => {
  const { tab } = await connected();
  tab.socket.drop(4401);
  await settle();
  await settle();
  assert.equal(tab.sockets.length, 2);
  tab.socket.open();
  assert.equal(hello(tab).token, "access-2");
  tab.socket.drop(4401);
  await settle();
  assert.equal(tab.sockets.length, 2, "refused again: not at once");
  await tab.clock.advance(500);
  assert.equal(tab.sockets.length, 3);
});

test("a refused refresh signs out", async () => {
  const { app, tab } = await connected();
  /** @type {string[]} */
  const reasons = [];
  app.session.onSignedOut((reason) => reasons.push(reason));
  tab.answers["auth/token/refresh/"] = FakeTab.refusal(401, "unauthenticated");
  tab.socket.drop(4401);
  await tab.clock.advance(100);
  assert.deepEqual(reasons, ["expired"]);
  assert.equal(app.state.value.connection.state, "signed-out");
  assert.equal(app.state.value.user, null);
  assert.equal(tab.sockets.length, 1);
});

test("a revoked session signs out and keeps what waits on the disk", async () => {
  const { app, tab } = await connected();
  /** @type {string[]} */
  const reasons = [];
  app.session.onSignedOut((reason) => reasons.push(reason));
  await app.outbox.send({ conversation: ROOM, body: "unsent" });
  tab.socket.drop(4501);
  await tab.clock.advance(10_000);
  assert.deepEqual(reasons, ["revoked"]);
  assert.equal(tab.sockets.length, 1);
  assert.deepEqual(app.state.value.conversations, {});
  assert.equal((await tab.browser.db(ALICE.id).outbox()).length, 1);
  assert.deepEqual(await app.kept.summary(), { user: { id: ALICE.id, username: "alice", display_name: "Alice" }, waiting: 1, drafts: 0 });
  await app.kept.forget();
  assert.equal(await app.kept.summary(), null);
});

test("the token is renewed in place before it ends", async () => {
  const { app, tab } = await connected();
  for (let beat = 0; beat < 11; beat += 1) {
    tab.socket.receive({ type: "synced" });
    await tab.clock.advance(25_000);
  }
  assert.deepEqual(tab.socket.of("auth"), [{ type: "auth", token: "access-2" }]);
  assert.equal(tab.sockets.length, 1);
  assert.equal(app.state.value.connection.state, "connected");
});

test("when the server warns, the token is renewed at once", async () => {
  const { tab } = await connected();
  tab.socket.receive({ type: "auth.expiring", seconds: 60 });
  await tab.clock.advance(10);
  assert.deepEqual(tab.socket.of("auth").map(({ token }) => token), ["access-2"]);
});

test("two tabs that need a token at once use the refresh token once", async () => {
  const { app: first, tab } = await connected();
  const other = new FakeTab(tab.browser, tab.clock);
  other.answers["auth/token/refresh/"] = () => grant("access-of-the-other");
  const second = createApp(other.ports());
  const resumed = second.session.resume();
  await tab.clock.advance(100);
  await resumed;
  assert.equal(await first.session.accessToken(), "access-of-the-other", "its result is everybody's");
  assert.equal(tab.requests.filter(({ path }) => path === "auth/token/refresh/").length, 1);
});

test("nobody is signed in: resume says so and keeps still", async () => {
  const tab = new FakeTab();
  tab.answers["auth/token/refresh/"] = FakeTab.refusal(401, "unauthenticated");
  const app = createApp(tab.ports());
  app.session.onSignedOut(() => assert.fail("nobody was signed in"));
  assert.equal(await app.session.resume(), false);
  assert.equal(tab.sockets.length, 0);
});

test("away from the server the last user's conversations are there, and it goes on trying", async () => {
  const { tab } = await connected();
  await tab.clock.advance(600);
  const later = new FakeTab();
  later.browser.dbs = tab.browser.dbs;
  later.browser.storage = tab.browser.storage;
  later.answers["auth/token/refresh/"] = FakeTab.refusal(0, "unavailable");
  const app = createApp(later.ports());
  assert.equal(await app.session.resume(), true);
  await settle();
  assert.equal(app.state.value.user?.id, ALICE.id);
  assert.equal(app.state.value.conversations[ROOM].known, 5);
  assert.equal(app.state.value.connection.state, "reconnecting");
  later.answers["auth/token/refresh/"] = () => grant("late");
  await later.clock.advance(1_000);
  later.socket.open();
  assert.equal(hello(later).token, "late");
});

test("signing in, and out: what is on this device goes with it", async () => {
  const tab = new FakeTab();
  tab.answers["auth/token/"] = () => grant();
  const app = createApp(tab.ports());
  /** @type {string[]} */
  const reasons = [];
  app.session.onSignedOut((reason) => reasons.push(reason));
  await app.session.signIn({ username: "alice", password: "correct horse" });
  assert.deepEqual(tab.requests[0], { method: "POST", path: "auth/token/", body: { username: "alice", password: "correct horse", cookie: true } });
  await settle();
  greet(tab, ROOM_FRAME());
  app.drafts.set(ROOM, "secret");
  await app.session.signOut();
  assert.deepEqual(reasons, ["user"]);
  assert.equal(tab.browser.dbs.size, 0);
  assert.deepEqual([...tab.browser.storage.keys()], []);
  assert.equal(tab.socket.closed, true);
  assert.deepEqual(app.state.value.conversations, {});
});

test("signing out where the server can't be told changes nothing", async () => {
  const { app, tab } = await connected();
  tab.answers["auth/logout/"] = FakeTab.refusal(0, "unavailable");
  await assert.rejects(app.session.signOut(), { code: "unavailable" });
  assert.equal(app.state.value.connection.state, "connected");
});
