import assert from "node:assert/strict";
import test from "node:test";
import * as outbox from "app/core/outbox.js";
import { NOW } from "./world.mjs";

const half = () => 0.5;

/** @param {string} id @param {number} n @param {string} [conversation] */
const item = (id, n, conversation = "one") =>
  outbox.newItem({ id, conversation, body: id, n, created_at: new Date(NOW).toISOString() });

/** @param {import("app/core/types.js").OutboxItem[]} items */
const ids = (items) => items.map(({ id }) => id);

test("one message per conversation is on its way, the oldest first", () => {
  const items = [item("b", 2), item("a", 1), item("c", 3, "two")];
  assert.deepEqual(ids(outbox.nextToSend(items, NOW)), ["a", "c"]);
  assert.deepEqual(ids(outbox.nextToSend(outbox.sending(items, "a", NOW), NOW)), ["c"]);
});

test("a lost acknowledgement repeats the message under the same id after ten seconds", () => {
  const items = outbox.sending([item("a", 1), item("b", 2)], "a", NOW);
  assert.deepEqual(ids(outbox.nextToSend(items, NOW + 9_999)), []);
  assert.equal(outbox.wakeAt(items, NOW), NOW + 10_000);
  assert.deepEqual(ids(outbox.nextToSend(items, NOW + 10_000)), ["a"]);
  assert.equal(outbox.sending(items, "a", NOW + 10_000)[0].tries, 2);
});

for (const code of ["forbidden", "not_found", "conflict", "invalid", "too_large"]) {
  test(`${code} is final and lets the next go`, () => {
    const items = outbox.refused(outbox.sending([item("a", 1), item("b", 2)], "a", NOW), "a", { code, detail: "No." }, NOW, half);
    assert.deepEqual([items[0].state, items[0].code, items[0].reason], ["failed", code, "No."]);
    assert.deepEqual(ids(outbox.nextToSend(items, NOW)), ["b"]);
  });
}

test("unavailable waits ever longer and keeps the order", () => {
  let items = [item("a", 1), item("b", 2)];
  const waits = [];
  for (let round = 0; round < 8; round += 1) {
    items = outbox.refused(outbox.sending(items, "a", NOW), "a", { code: "unavailable", detail: "Later." }, NOW, () => 0.999999);
    waits.push((items[0].retryAt ?? 0) - NOW);
    assert.deepEqual(ids(outbox.nextToSend(items, NOW)), []);
  }
  assert.deepEqual(waits, [999, 1999, 3999, 7999, 15999, 29999, 29999, 29999]);
  assert.deepEqual(ids(outbox.nextToSend(items, NOW + 30_000)), ["a"]);
});

test("a rate limit holds back every conversation until the time that the server told", () => {
  const started = outbox.sending([item("a", 1), item("b", 2, "two")], "a", NOW);
  const items = outbox.refused(started, "a", { code: "rate_limited", detail: "Slow down.", retryAfter: 2.5 }, NOW, half);
  assert.equal(outbox.pausedUntil(items, NOW), NOW + 2_500);
  assert.deepEqual(outbox.nextToSend(items, NOW + 2_499), []);
  assert.equal(outbox.wakeAt(items, NOW), NOW + 2_500);
  assert.deepEqual(ids(outbox.nextToSend(items, NOW + 2_500)), ["a", "b"]);
});

test("a code that this client doesn't know is tried again", () => {
  const items = outbox.refused(outbox.sending([item("a", 1)], "a", NOW), "a", { code: "new", detail: "?" }, NOW, half);
  assert.equal(items[0].state, "waiting");
});

test("what was on its way goes again after a reload or a broken connection", () => {
  const items = outbox.disconnected(outbox.sending([item("a", 1)], "a", NOW));
  assert.deepEqual([items[0].id, items[0].state, items[0].tries], ["a", "waiting", 1]);
  assert.deepEqual(ids(outbox.nextToSend(items, NOW)), ["a"]);
});

test("a new socket ends the waits of the outage, not those that the server asked for", () => {
  const items = [
    ...outbox.refused([item("a", 1)], "a", { code: "unavailable", detail: "" }, NOW, half),
    ...outbox.refused([item("b", 2, "two")], "b", { code: "rate_limited", detail: "", retryAfter: 9 }, NOW, half),
  ];
  assert.deepEqual(outbox.connected(items).map(({ retryAt }) => retryAt), [null, NOW + 9_000]);
});

test("a text may change only while the server can't have it", () => {
  const waiting = item("a", 1);
  const [sending] = outbox.sending([waiting], "a", NOW);
  const [lost] = outbox.disconnected([sending]);
  const [failed] = outbox.refused([sending], "a", { code: "too_large", detail: "" }, NOW, half);
  assert.deepEqual([waiting, sending, lost, failed].map(outbox.editable), [true, false, false, true]);
});

test("a refused message goes again under its id, but under a new one after a conflict", () => {
  const refusedWith = (/** @type {string} */ code) => outbox.refused([item("a", 1)], "a", { code, detail: "" }, NOW, half)[0];
  assert.equal(outbox.again(refusedWith("forbidden"), "fresh").id, "a");
  assert.equal(outbox.again(refusedWith("conflict"), "fresh").id, "fresh");
});

test("several tabs' items are one list in order", () => {
  const known = [item("a", 1), item("c", 3)];
  assert.deepEqual(ids(outbox.merged(known, [item("b", 2), { ...item("c", 3), body: "edited" }])), ["a", "b", "c"]);
});
