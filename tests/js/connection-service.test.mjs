import assert from "node:assert/strict";
import test from "node:test";
import { settle } from "./fakes.mjs";
import { connected, greet, hello } from "./tab.mjs";
import { BOB, EPOCH, live, message, room, ROOM, sync, welcome } from "./world.mjs";

test("the first frame is hello with the token and no versions, then connected", async () => {
  const { app, tab } = await connected();
  assert.deepEqual(tab.socket.sent[0], { type: "hello", token: "access-1", epoch: null, versions: {} });
  assert.equal(app.state.value.connection.state, "connected");
  assert.equal(app.state.value.conversations[ROOM].known, 5);
});

test("after a drop it comes back by itself and says what it has", async () => {
  const { app, tab } = await connected();
  tab.socket.drop(1006);
  assert.equal(app.state.value.connection.state, "reconnecting");
  assert.equal(app.state.value.connection.retryAt, tab.clock.time + 250, "full jitter: half of half a second");
  await tab.clock.advance(250);
  assert.equal(tab.sockets.length, 2);
  assert.equal(app.state.value.connection.state, "trying");
  tab.socket.open();
  assert.deepEqual([hello(tab).epoch, hello(tab).versions], [EPOCH, { [ROOM]: 5 }]);
  tab.socket.receive(welcome());
  await tab.clock.advance(16);
  assert.equal(app.state.value.connection.state, "catching-up");
  tab.socket.receive(sync({ from: 5, to: 6, data: room(6, 4), messages: [message(4, 6)] }), { type: "synced" });
  await tab.clock.advance(16);
  assert.equal(app.state.value.connection.state, "connected");
  assert.equal(app.state.value.conversations[ROOM].known, 6);
});

test("attempts that fail wait longer, and say offline after three", async () => {
  const { app, tab } = await connected();
  const waits = [];
  for (let round = 0; round < 4; round += 1) {
    tab.socket.drop(1006);
    waits.push(/** @type {number} */ (app.state.value.connection.retryAt) - tab.clock.time);
    await tab.clock.advance(/** @type {number} */ (waits[round]));
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000]);
  tab.socket.drop(1006);
  assert.equal(app.state.value.connection.state, "offline");
});

test("a stable connection makes the next wait short again", async () => {
  const { app, tab } = await connected();
  tab.socket.drop(1006);
  await tab.clock.advance(250);
  tab.socket.drop(1006);
  await tab.clock.advance(500);
  greet(tab);
  await tab.clock.advance(10_000);
  tab.socket.drop(1006);
  assert.equal(/** @type {number} */ (app.state.value.connection.retryAt) - tab.clock.time, 250);
});

test("a socket that doesn't open in ten seconds is given up, one whose hello waits its turn is not", async () => {
  const { tab } = await connected();
  tab.socket.drop(1006);
  await tab.clock.advance(250);
  const silent = tab.socket;
  await tab.clock.advance(10_500);
  assert.notEqual(tab.socket, silent);
  tab.socket.open();
  const waiting = tab.socket;
  await tab.clock.advance(29_000);
  assert.equal(tab.socket, waiting);
  await tab.clock.advance(3_000);
  assert.notEqual(tab.socket, waiting);
});

test("a restart is waited for at random within three seconds", async () => {
  for (const code of [1012, 4012]) {
    const { app, tab } = await connected();
    tab.fraction = 0.9;
    tab.socket.drop(code);
    assert.equal(app.state.value.connection.state, "restarting");
    assert.equal(app.state.value.connection.retryAt, tab.clock.time + 2_700);
  }
});

test("trying now leaves the countdown as it is", async () => {
  const { app, tab } = await connected();
  tab.fraction = 0.9;
  tab.socket.drop(1006);
  const { retryAt } = app.state.value.connection;
  await tab.clock.advance(100);
  app.sync.tryNow();
  await settle();
  tab.socket.drop(1006);
  assert.equal(app.state.value.connection.retryAt, retryAt);
  await tab.clock.advance(/** @type {number} */ (retryAt) - tab.clock.time);
  assert.equal(tab.sockets.length, 3);
});

test("coming back online or into view tries at once", async () => {
  const { tab } = await connected();
  tab.fraction = 0.99;
  tab.socket.drop(1006);
  tab.onReturn.forEach((callback) => callback());
  await settle();
  assert.equal(tab.sockets.length, 2);
});

test("a client that the server won't have stops", async () => {
  for (const code of [4500, 4503]) {
    const { app, tab } = await connected();
    tab.socket.drop(code);
    await tab.clock.advance(60_000);
    assert.deepEqual([app.state.value.connection.state, app.state.value.connection.closeCode, tab.sockets.length], ["stopped", code, 1]);
  }
});

test("each heartbeat pings and syncs; two silent ones end the socket", async () => {
  const { tab } = await connected();
  const before = tab.socket.sent.length;
  await tab.clock.advance(25_000);
  assert.deepEqual(tab.socket.sent.slice(before).map(({ type }) => type), ["delivered", "ping", "sync"]);
  assert.deepEqual(tab.socket.of("sync")[0].versions, { [ROOM]: 5 });
  await tab.clock.advance(25_000);
  assert.equal(tab.socket.closed, false);
  await tab.clock.advance(25_000);
  assert.equal(tab.sockets[0].closed, true);
  await tab.clock.advance(500);
  assert.equal(tab.sockets.length, 2);
});

test("the round trip is the median of five pings; slow has a dead zone", async () => {
  const { app, tab } = await connected();
  /** @param {number} ms */
  const pong = (ms) => tab.socket.receive({ type: "pong", t: tab.clock.time - ms, server_time: new Date(tab.clock.time).toISOString() });
  for (const ms of [40, 900, 30]) pong(ms);
  assert.deepEqual([app.state.value.connection.rtt, app.state.value.connection.state], [40, "connected"]);
  for (const ms of [400, 500, 600]) pong(ms);
  assert.equal(app.state.value.connection.state, "slow");
  for (const ms of [100, 100, 100]) pong(ms);
  assert.equal(app.state.value.connection.state, "connected");
});

test("a hole is asked for after 300 ms, only that conversation, and not twice at once", async () => {
  const { tab } = await connected();
  tab.socket.receive(live(message(5, 7)));
  await tab.clock.advance(310);
  assert.deepEqual(tab.socket.of("sync"), []);
  await tab.clock.advance(20);
  assert.deepEqual(tab.socket.of("sync"), [{ type: "sync", ref: "sync", epoch: EPOCH, versions: { [ROOM]: 5 }, partial: true }]);
  await tab.clock.advance(5_000);
  assert.equal(tab.socket.of("sync").length, 1);
});

test("a hole that fills itself is not asked for", async () => {
  const { app, tab } = await connected();
  tab.socket.receive(live(message(5, 7)));
  await tab.clock.advance(100);
  tab.socket.receive(live(message(4, 6)));
  await tab.clock.advance(1_000);
  assert.deepEqual(tab.socket.of("sync"), []);
  assert.equal(app.state.value.conversations[ROOM].known, 7);
});

test("after a failure of its bus the server asks for a sync of everything, with states", async () => {
  const { app, tab } = await connected();
  tab.socket.receive({ type: "resync" });
  assert.deepEqual(tab.socket.of("sync"), [{ type: "sync", ref: "sync", epoch: EPOCH, versions: { [ROOM]: 5 }, states: true }]);
  tab.socket.receive({ type: "synced", online: [BOB.id] });
  assert.deepEqual(app.state.value.presence, { [BOB.id]: true });
});

test("frames of one moment are one change of state", async () => {
  const { app, tab } = await connected();
  let changes = 0;
  app.store.onChange(() => (changes += 1));
  for (let seq = 4; seq < 104; seq += 1) tab.socket.receive(live(message(seq, seq + 2)));
  assert.equal(changes, 0);
  await tab.clock.advance(16);
  assert.equal(changes, 1);
  assert.equal(app.state.value.conversations[ROOM].known, 105);
});

test("a sync that never ends doesn't stop the later ones", async () => {
  const { tab } = await connected();
  for (let beat = 0; beat < 5; beat += 1) {
    await tab.clock.advance(25_000);
    tab.socket.receive({ type: "pong", t: null, server_time: new Date(tab.clock.time).toISOString() });
  }
  assert.equal(tab.socket.of("sync").length, 2);
});

test("what is ended on purpose stays ended", async () => {
  const { app, tab } = await connected();
  app.sync.disconnect();
  await tab.clock.advance(60_000);
  assert.deepEqual([app.state.value.connection.state, tab.sockets.length], ["offline", 1]);
  app.sync.connect();
  await settle();
  assert.equal(tab.sockets.length, 2);
});

test("a frame that isn't the protocol's ends the socket, and it comes back", async () => {
  const { tab } = await connected();
  tab.socket.handlers.onText("<html>");
  assert.equal(tab.sockets[0].closed, true);
  await tab.clock.advance(500);
  assert.equal(tab.sockets.length, 2);
});
