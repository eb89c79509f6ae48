// F19 for the browser's store: the server's events in any order, each of them twice.
// Run by test_out_of_order.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { emptyState, mirrorOf, reduceAll } from "app/core/store.js";

const FOLDER = new URL("../../chat/tests/golden/", import.meta.url);
const NOW = Date.parse("2026-03-12T09:00:00.000Z");
const LIVE = ["message", "member", "conversation", "receipt"];
const ORDERS = 300;

for (const name of ["members.json", "messages.json"]) {
  const { events, after } = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
  const [welcome] = events;
  const live = events.filter((event) => LIVE.includes(event.type));
  const states = events.filter(({ type }) => type === "sync" || type === "synced");

  test(`${name}: ${ORDERS} orders, each event twice, one state`, () => {
    const random = seeded(19);
    for (let trial = 0; trial < ORDERS; trial += 1) {
      const order = shuffled([...live, ...live, ...states], random);
      const state = reduceAll(emptyState(), [welcome, ...order], NOW);
      assert.deepEqual(durable(mirrorOf(state).conversations), durable(after.conversations), `trial ${trial}`);
    }
  });
}

/**
 * What the promise is about. Counts of unread messages are the server's, and come whole with each
 * sync and each receipt of one's own.
 */
function durable(conversations) {
  return Object.fromEntries(Object.entries(conversations).map(([id, given]) => {
    const { me: _me, ...row } = given.row;
    const receipts = Object.entries(given.receipts).map(([user, each]) => {
      const { user: _user, ...positions } = each;
      return [user, positions];
    });
    return [id, { known: given.known, row, members: given.members, messages: given.messages,
      receipts: Object.fromEntries(receipts) }];
  }));
}

function shuffled(items, random) {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other], items[last]];
  }
  return items;
}

/** Mulberry32: the same orders every time. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
