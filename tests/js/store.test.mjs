import assert from "node:assert/strict";
import test from "node:test";
import { emptyState, gapsOf, mirrorOf, reduceAll, versionsOf } from "app/core/store.js";
import { timeline } from "app/core/select.js";
import { ALICE, BOB, EPOCH, live, member, message, messageId, NOW, OUTBOX_ITEM, play, room, ROOM, settled, sync, welcome } from "./world.mjs";

/** @param {import("app/core/types.js").State} state */
const launch = (state) => state.conversations[ROOM];

test("a reset brings a conversation with its window", () => {
  const state = settled(3);
  assert.equal(launch(state).known, 5);
  assert.equal(launch(state).oldestSeq, 1);
  assert.equal(launch(state).hasBefore, false);
  assert.equal(state.connection.state, "connected");
  assert.deepEqual(versionsOf(state), { [ROOM]: 5 });
});

test("a live message advances the conversation and counts as unread", () => {
  const state = play(settled(), [live(message(4, 6, { mentions: [ALICE.id] }))]);
  assert.equal(launch(state).known, 6);
  assert.equal(launch(state).row.last_seq, 4);
  assert.equal(launch(state).row.version, 6);
  assert.deepEqual([launch(state).row.me.unread, launch(state).row.me.mentions], [4, 1]);
});

test("an event that comes twice changes nothing the second time", () => {
  const once = play(settled(), [live(message(4, 6))]);
  assert.deepEqual(mirrorOf(play(once, [live(message(4, 6))])), mirrorOf(once));
});

test("one's own message is not unread", () => {
  const state = play(settled(), [live(message(4, 6, { sender: ALICE.id }))]);
  assert.equal(launch(state).row.me.unread, 3);
});

test("an edit overtaken by a later edit is ignored", () => {
  const state = play(settled(), [
    live(message(3, 7, { body: "second", edited_at: "2026-03-12T09:10:00Z" })),
    live(message(3, 6, { body: "first", edited_at: "2026-03-12T09:09:00Z" })),
  ]);
  assert.equal(launch(state).messages[messageId(3)].body, "second");
  assert.equal(launch(state).known, 7);
});

test("a hole is shown, asked for with patience, and filled by sync", () => {
  let state = play(settled(), [live(message(5, 7))]);
  assert.equal(launch(state).known, 5);
  assert.deepEqual(launch(state).ahead, [7]);
  assert.deepEqual(gapsOf(state, NOW + 299, 300), {});
  assert.deepEqual(gapsOf(state, NOW + 300, 300), { [ROOM]: 5 });
  state = play(state, [sync({ from: 5, to: 7, data: room(7, 5), messages: [message(4, 6), message(5, 7)] })]);
  assert.equal(launch(state).known, 7);
  assert.equal(launch(state).gapSince, null);
  assert.deepEqual(launch(state).ahead, []);
  assert.equal(launch(state).row.me.unread, 5);
});

test("a hole that fills itself needs no sync", () => {
  const state = play(settled(), [live(message(5, 7)), live(message(4, 6))]);
  assert.equal(launch(state).known, 7);
  assert.equal(launch(state).gapSince, null);
  assert.equal(launch(state).row.me.unread, 5);
});

test("a sync that skips versions closes the hole for good", () => {
  const state = play(settled(), [
    live(message(5, 9)),
    sync({ from: 5, to: 8, data: room(8, 4), messages: [message(4, 8)] }),
  ]);
  assert.equal(launch(state).known, 9);
});

test("a sync in several frames is known only with its last one", () => {
  let state = play(settled(), [sync({ from: 5, to: 5, more: true, data: room(7, 5), messages: [message(4, 6)] })]);
  assert.equal(launch(state).known, 5);
  state = play(state, [sync({ from: 5, to: 7, data: room(7, 5), messages: [message(5, 7)] })]);
  assert.equal(launch(state).known, 7);
});

test("a sync for a later position than this device's does not skip what is missing", () => {
  const state = play(settled(), [sync({ from: 8, to: 9, data: room(9, 5), messages: [message(5, 9)] })]);
  assert.equal(launch(state).known, 5);
});

test("a reset drops the mirror, but not what live events have made newer", () => {
  const old = settled(3);
  const newest = Array.from({ length: 50 }, (_, index) => message(index + 1951, index + 1953));
  const state = play(old, [
    live(message(2001, 2003)),
    live(message(2, 2004, { body: "edited far back" })),
    sync({ to: 0, reset: true, more: true, data: room(2002, 2000), members: [member(ALICE, 1), member(BOB, 2)], messages: newest.slice(0, 20) }),
    live(message(2002, 2005)),
    sync({ to: 2002, data: room(2002, 2000), messages: newest.slice(20) }),
  ]);
  const { known, ahead, oldestSeq, hasBefore, messages, row } = launch(state);
  assert.deepEqual([known, ahead, oldestSeq, hasBefore], [2005, [], 1951, true]);
  assert.equal(messages[messageId(1)], undefined);
  assert.equal(messages[messageId(2)].body, "edited far back");
  assert.equal(row.last_seq, 2002);
  assert.equal(row.me.unread, 2002, "the snapshot's 2000 and two live ones");
  const shown = timeline(state, ROOM, { timeZone: "UTC" }).filter((item) => item.type === "message");
  assert.equal(shown.length, 52, "what stands before the window is not shown");
});

test("while a reset is under way nothing is claimed to be known", () => {
  const state = play(settled(3), [sync({ to: 0, reset: true, more: true, data: room(2002, 2000) })]);
  assert.deepEqual(versionsOf(state), {});
  assert.ok(launch(play(state, [{ type: "synced" }])).gapSince !== null, "one that never ends is asked for again");
});

test("a device that knows more than the server starts anew, and asks once more", () => {
  let state = play(settled(3), [live(message(4, 6)), sync({ to: 4, reset: true, data: room(4, 2), members: [member(ALICE, 1), member(BOB, 2)], messages: [message(1, 3), message(2, 4)] })]);
  assert.deepEqual(Object.keys(launch(state).messages), [messageId(1), messageId(2)]);
  assert.equal(launch(state).known, 4);
  assert.deepEqual([launch(state).row.version, launch(state).row.last_seq], [4, 2]);
  assert.deepEqual(gapsOf(state, NOW + 300, 300), { [ROOM]: 4 });
  state = play(state, [{ type: "local.sync_sent", states: false, conversations: [ROOM] }]);
  assert.deepEqual(gapsOf(state, NOW + 60_000, 300), {});
});

test("an empty conversation has a window that begins with its first message", () => {
  const state = play(emptyState(), [welcome(), sync({ to: 2, reset: true, data: room(2, 0), members: [member(ALICE, 1), member(BOB, 2)] })]);
  assert.deepEqual([launch(state).oldestSeq, launch(state).hasBefore], [1, false]);
  assert.equal(launch(play(state, [live(message(2, 4)), live(message(1, 3))])).row.me.unread, 2);
});

test("events of a conversation that isn't here yet wait for it", () => {
  let state = play(emptyState(), [welcome(), live(message(4, 6))]);
  assert.deepEqual(state.conversations, {});
  assert.deepEqual(gapsOf(state, NOW + 300, 300), { [ROOM]: 0 });
  state = play(state, [sync({ to: 5, reset: true, data: room(5, 3), messages: [message(1, 3), message(2, 4), message(3, 5)] })]);
  assert.equal(launch(state).known, 6);
  assert.equal(launch(state).row.last_seq, 4);
  assert.equal(launch(state).row.me.unread, 4);
  assert.deepEqual(state.orphans, {});
});

test("a conversation that begins before one's eyes needs no sync", () => {
  const { me: _me, ...begun } = room(1, 0);
  const state = play(emptyState(), [
    welcome(),
    { type: "conversation", conversation: ROOM, version: 1, data: begun },
    { type: "member", conversation: ROOM, version: 2, data: member(ALICE, 2, { role: "owner" }) },
    live(message(1, 3)),
  ]);
  assert.equal(launch(state).known, 3);
  assert.equal(launch(state).row.me.role, "owner");
  assert.equal(launch(state).row.me.unread, 1);
});

test("a renamed conversation keeps what is for this user alone", () => {
  const { me: _me, ...renamed } = room(6, 3, { title: "Landing" });
  const state = play(settled(), [{ type: "conversation", conversation: ROOM, version: 6, data: renamed }]);
  assert.equal(launch(state).row.title, "Landing");
  assert.equal(launch(state).row.me.unread, 3);
});

test("an older row of the conversation does not undo a newer one", () => {
  const { me: _me, ...first } = room(6, 3, { title: "First" });
  const { me: _also, ...second } = room(7, 3, { title: "Second" });
  const state = play(settled(), [
    { type: "conversation", conversation: ROOM, version: 7, data: second },
    { type: "conversation", conversation: ROOM, version: 6, data: first },
  ]);
  assert.equal(launch(state).row.title, "Second");
  assert.equal(launch(state).known, 7);
});

test("a snapshot that messages have overtaken still brings its title, and loses no count", () => {
  const state = play(settled(), [live(message(5, 8)), sync({ from: 5, to: 7, data: room(7, 4, { title: "Landing" }), messages: [message(4, 6)] })]);
  assert.equal(launch(state).row.title, "Landing");
  assert.equal(launch(state).row.me.unread, 5);
  assert.equal(launch(state).known, 8);
});

test("a removed conversation is gone, and a late remainder doesn't bring it back", () => {
  const state = play(settled(), [
    { type: "conversation.removed", conversation: ROOM },
    sync({ from: 5, to: 6, data: room(6, 4), messages: [message(4, 6)] }),
  ]);
  assert.deepEqual(state.conversations, {});
});

test("another epoch makes everything void, except what waits to be sent", () => {
  const item = OUTBOX_ITEM;
  const state = play(settled(), [{ type: "local.outbox.put", items: [item] }, welcome("e0000000-0000-4000-8000-000000000002")]);
  assert.deepEqual(state.conversations, {});
  assert.deepEqual(versionsOf(state), {});
  assert.equal(state.outbox.length, 1);
});

test("the same epoch keeps everything", () => {
  assert.equal(launch(play(settled(), [welcome(EPOCH)])).known, 5);
});

test("a batch is its events, in order", () => {
  const events = [live(message(4, 6)), live(message(5, 7))];
  const batch = /** @type {any} */ ({ type: "batch", events });
  assert.deepEqual(mirrorOf(play(settled(), [batch])), mirrorOf(play(settled(), events)));
});

test("several events at once make the same state as one by one", () => {
  const events = [live(message(5, 7)), live(message(4, 6)), live(message(2, 8, { body: "edited" }))];
  assert.deepEqual(reduceAll(settled(), events, NOW), play(settled(), events));
});

test("what an event doesn't touch keeps its identity", () => {
  const before = settled();
  const after = play(before, [{ type: "receipt", conversation: ROOM, user: BOB.id, read_seq: 2, delivered_seq: 3 }]);
  assert.notEqual(launch(after), launch(before));
  assert.equal(launch(after).messages, launch(before).messages);
  assert.deepEqual(launch(before).receipts, {}, "the former state is as it was");
});
