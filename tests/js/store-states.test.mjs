import assert from "node:assert/strict";
import test from "node:test";
import { emptyState, gapsOf, mirrorOf, reduce } from "app/core/store.js";
import { ALICE, BOB, CHARLIE, live, member, message, NOW, OUTBOX_ITEM, play, room, ROOM, settled, sync, welcome } from "./world.mjs";

/** @param {import("app/core/types.js").State} state */
const launch = (state) => state.conversations[ROOM];

test("positions never move backwards, and reading implies delivery", () => {
  const state = play(settled(), [
    { type: "receipt", conversation: ROOM, user: BOB.id, read_seq: 3, delivered_seq: 0 },
    { type: "receipt", conversation: ROOM, user: BOB.id, read_seq: 1, delivered_seq: 2 },
  ]);
  assert.deepEqual(launch(state).receipts[BOB.id], { read_seq: 3, delivered_seq: 3 });
});

test("one's own receipt from another device takes the unread count along", () => {
  const state = play(settled(), [{ type: "receipt", conversation: ROOM, user: ALICE.id, read_seq: 2, delivered_seq: 3, unread: 1, mentions: 0 }]);
  assert.deepEqual([launch(state).row.me.read_seq, launch(state).row.me.unread], [2, 1]);
});

test("a receipt that overtakes a message doesn't make it count twice", () => {
  const state = play(settled(), [
    { type: "receipt", conversation: ROOM, user: ALICE.id, read_seq: 3, delivered_seq: 3, unread: 1, mentions: 0 },
    live(message(4, 6)),
  ]);
  assert.deepEqual([launch(state).row.me.read_seq, launch(state).row.me.unread], [3, 1]);
});

test("reading here counts at once, and an older snapshot doesn't undo it", () => {
  const state = play(settled(), [
    { type: "local.read", conversation: ROOM, seq: 3 },
    sync({ from: 5, to: 6, data: room(6, 4), messages: [message(4, 6)] }),
  ]);
  assert.deepEqual([launch(state).row.me.read_seq, launch(state).row.me.unread], [3, 1]);
});

test("typing ends by time, by a message, by leaving and with the socket", () => {
  /** @type {import("app/core/types.js").StoreEvent} */
  const typing = { type: "typing", conversation: ROOM, user: BOB.id, on: true };
  const state = play(settled(), [typing]);
  assert.deepEqual(Object.keys(launch(state).typing), [BOB.id]);
  assert.deepEqual(launch(reduce(state, { type: "local.tick" }, NOW + 5999)).typing, launch(state).typing);
  assert.deepEqual(launch(reduce(state, { type: "local.tick" }, NOW + 6000)).typing, {});
  assert.deepEqual(launch(play(state, [live(message(4, 6))])).typing, {});
  assert.deepEqual(launch(play(state, [{ ...typing, on: false }])).typing, {});
  assert.deepEqual(launch(play(state, [{ type: "local.disconnected", patch: {} }])).typing, {});
});

test("presence comes as a whole after hello, then one by one, and goes with the socket", () => {
  let state = play(settled(), [welcome(), { type: "synced", online: [BOB.id] }]);
  state = play(state, [{ type: "presence", user: CHARLIE.id, online: true }, { type: "presence", user: BOB.id, online: false }]);
  assert.deepEqual(state.presence, { [CHARLIE.id]: true });
  assert.deepEqual(play(state, [{ type: "synced" }]).presence, { [CHARLIE.id]: true }, "a sync without states says nothing of it");
  assert.deepEqual(play(state, [{ type: "local.disconnected", patch: {} }]).presence, {});
});

test("positions of conversations outside the sync come with its end", () => {
  const state = play(settled(), [{ type: "synced", receipts: [{ conversation: ROOM, user: BOB.id, read_seq: 2, delivered_seq: 2 }] }]);
  assert.deepEqual(launch(state).receipts[BOB.id], { read_seq: 2, delivered_seq: 2 });
});

test("an acknowledged message stays on the screen before its event arrives", () => {
  const item = OUTBOX_ITEM;
  let state = play(settled(), [{ type: "local.outbox.put", items: [item] }]);
  state = play(state, [{ type: "ack", ref: item.id, id: item.id, conversation: ROOM, seq: 4, version: 6, created_at: "2026-03-12T09:00:05.000Z", duplicate: false }]);
  assert.deepEqual(state.outbox, []);
  assert.equal(launch(state).messages[item.id].body, "hello");
  assert.equal(launch(state).known, 5, "the event says what is known");
  state = play(state, [live(message(4, 6, { id: item.id, sender: ALICE.id, body: "hello", mentions: [BOB.id] }))]);
  assert.deepEqual(launch(state).messages[item.id].mentions, [BOB.id]);
  assert.equal(launch(state).known, 6);
});

test("a message that arrives before its acknowledgement leaves the outbox", () => {
  const item = OUTBOX_ITEM;
  const state = play(settled(), [{ type: "local.outbox.put", items: [item] }, live(message(4, 6, { id: item.id, sender: ALICE.id }))]);
  assert.deepEqual(state.outbox, []);
});

test("a late acknowledgement of a repeated message doesn't undo an edit", () => {
  const item = OUTBOX_ITEM;
  const state = play(settled(), [
    live(message(4, 6, { id: item.id, sender: ALICE.id, body: "edited" })),
    { type: "local.outbox.put", items: [item] },
    { type: "ack", ref: item.id, id: item.id, conversation: ROOM, seq: 4, version: 6, created_at: "2026-03-12T09:00:05.000Z", duplicate: true },
  ]);
  assert.equal(launch(state).messages[item.id].body, "edited");
});

test("an error without a message of ours changes nothing", () => {
  const state = settled();
  assert.deepEqual(play(state, [{ type: "error", code: "invalid", detail: "No." }]), state);
});

test("unknown events of a newer server are ignored", () => {
  const state = settled();
  assert.deepEqual(play(state, [/** @type {any} */ ({ type: "weather", sky: "blue" })]), state);
});

test("an older page widens the window only at its edge", () => {
  const newest = Array.from({ length: 50 }, (_, index) => message(index + 51, index + 53));
  const state = play(emptyState(), [welcome(), sync({ to: 102, reset: true, data: room(102, 100), messages: newest })]);
  assert.deepEqual([launch(state).oldestSeq, launch(state).hasBefore], [51, true]);
  const older = Array.from({ length: 50 }, (_, index) => message(index + 1, index + 3));
  const wider = play(state, [{ type: "local.page", conversation: ROOM, before: 51, messages: older, has_before: false }]);
  assert.deepEqual([launch(wider).oldestSeq, launch(wider).hasBefore], [1, false]);
  const astray = play(state, [{ type: "local.page", conversation: ROOM, before: 31, messages: older.slice(0, 30), has_before: false }]);
  assert.deepEqual([launch(astray).oldestSeq, launch(astray).hasBefore], [51, true]);
});

test("an edit of an old message outside the window is kept but counts nothing", () => {
  const newest = Array.from({ length: 50 }, (_, index) => message(index + 51, index + 53));
  const state = play(emptyState(), [
    welcome(),
    sync({ to: 102, reset: true, data: room(102, 100), messages: newest }),
    live(message(7, 103, { body: "edited" })),
  ]);
  assert.equal(launch(state).row.me.unread, 100);
  assert.equal(launch(state).oldestSeq, 51);
});

test("a row from REST is a conversation of which the rest is asked for", () => {
  const state = play(emptyState(), [welcome(), { type: "local.row", data: room(5, 3) }]);
  assert.deepEqual(gapsOf(state, NOW + 300, 300), { [ROOM]: 0 });
  const filled = play(state, [sync({ to: 5, data: room(5, 3), messages: [message(1, 3), message(2, 4), message(3, 5)] })]);
  assert.deepEqual([launch(filled).known, launch(filled).oldestSeq, launch(filled).gapSince], [5, 1, null]);
});

test("the server's clock is taken over only where it really differs", () => {
  const pong = (/** @type {number} */ at) => /** @type {any} */ ({ type: "pong", t: 0, server_time: new Date(at).toISOString() });
  assert.equal(play(settled(), [pong(NOW + 400)]).clockOffset, 0);
  assert.equal(play(settled(), [pong(NOW + 180_000)]).clockOffset, 180_000);
});

test("any order and repetition of events ends in the same mirror", () => {
  const events = [
    live(message(4, 6)), live(message(5, 7)), live(message(4, 8, { body: "edited" })),
    /** @type {import("app/core/types.js").StoreEvent} */ ({ type: "member", conversation: ROOM, version: 9, data: member(CHARLIE, 9) }),
    live(message(6, 10)), live(message(5, 11, { deleted_at: "2026-03-12T10:00:00Z", body: "" })),
  ];
  const expected = mirrorOf(play(settled(), events));
  let random = 7;
  const next = () => (random = (random * 48271) % 2147483647);
  for (let round = 0; round < 100; round += 1) {
    const shuffled = [...events, ...events.slice(0, next() % 6)].sort(() => (next() % 3) - 1);
    assert.deepEqual(mirrorOf(play(settled(), shuffled)), expected);
  }
});
