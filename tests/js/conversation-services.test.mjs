import assert from "node:assert/strict";
import test from "node:test";
import { connected, greet } from "./tab.mjs";
import { BOB, live, message, room, ROOM, sync } from "./world.mjs";

test("what arrived is confirmed once, cumulatively, and not while something is missing", async () => {
  const { tab } = await connected();
  await tab.clock.advance(300);
  assert.deepEqual(tab.socket.of("delivered"), [{ type: "delivered", conversation: ROOM, seq: 3 }]);
  tab.socket.receive(live(message(4, 6)), live(message(5, 7)), live(message(7, 9)));
  await tab.clock.advance(300);
  assert.equal(tab.socket.of("delivered").length, 1);
  tab.socket.receive(live(message(6, 8)));
  await tab.clock.advance(300);
  assert.deepEqual(tab.socket.of("delivered")[1], { type: "delivered", conversation: ROOM, seq: 7 });
});

test("reading is told at most once a second, only forward, and after an outage", async () => {
  const { app, tab } = await connected();
  app.conversations.markRead(ROOM, 1);
  app.conversations.markRead(ROOM, 2);
  app.conversations.markRead(ROOM, 1);
  assert.deepEqual(tab.socket.of("read").map(({ seq }) => seq), [1]);
  assert.equal(app.state.value.conversations[ROOM].row.me.unread, 1);
  await tab.clock.advance(1_000);
  assert.deepEqual(tab.socket.of("read").map(({ seq }) => seq), [1, 2]);
  tab.socket.drop(1006);
  app.conversations.markRead(ROOM, 3);
  await tab.clock.advance(250);
  greet(tab);
  assert.deepEqual(tab.socket.of("read").map(({ seq }) => seq), [3]);
});

test("typing is renewed every three seconds at most, and ended", async () => {
  const { app, tab } = await connected();
  for (let key = 0; key < 40; key += 1) {
    app.typing.notify(ROOM);
    await tab.clock.advance(100);
  }
  app.typing.stop(ROOM);
  app.typing.stop(ROOM);
  assert.deepEqual(tab.socket.of("typing").map(({ on }) => on), [true, true, false]);
});

test("somebody else's typing ends by itself", async () => {
  const { app, tab } = await connected();
  tab.socket.receive({ type: "typing", conversation: ROOM, user: BOB.id, on: true });
  await tab.clock.advance(100);
  assert.deepEqual(Object.keys(app.state.value.conversations[ROOM].typing), [BOB.id]);
  await tab.clock.advance(6_000);
  assert.deepEqual(app.state.value.conversations[ROOM].typing, {});
});

test("older messages are loaded once, however often they are asked for", async () => {
  const { app, tab } = await connected();
  const newest = Array.from({ length: 50 }, (_, index) => message(index + 51, index + 53));
  tab.socket.receive(sync({ to: 102, reset: true, data: room(102, 100), messages: newest }), { type: "synced" });
  await tab.clock.advance(16);
  tab.answers[`conversations/${ROOM}/messages/?before_seq=51&limit=50`] = () =>
    ({ results: Array.from({ length: 50 }, (_, index) => message(index + 1, index + 3)), has_before: false, has_after: true });
  const both = await Promise.all([app.conversations.loadOlder(ROOM), app.conversations.loadOlder(ROOM)]);
  assert.deepEqual(both, [false, false]);
  assert.equal(tab.requests.filter(({ path }) => path.includes("before_seq")).length, 1);
  assert.equal(app.state.value.conversations[ROOM].oldestSeq, 1);
  assert.equal(await app.conversations.loadOlder(ROOM), false);
});

test("a new group has an id of this device's own, and its rest is asked for", async () => {
  const { app, tab } = await connected();
  const id = "c0000000-0000-4000-8000-000000000009";
  tab.answers["conversations/"] = (body) => ({ ...room(3, 1), id, title: body.title });
  assert.equal(await app.conversations.createGroup({ title: "New", members: [BOB.id] }), id);
  assert.equal(app.state.value.conversations[id].row.title, "New");
  await tab.clock.advance(350);
  assert.deepEqual(tab.socket.of("sync").map(({ versions, partial }) => [versions, partial]), [[{ [id]: 0 }, true]]);
});
