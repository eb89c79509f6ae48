// Ties the two languages: what Python's actions published must lead the client to the rows that
// Python's queries answer.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { emptyState, mirrorOf, reduceAll } from "app/core/store.js";
import { newConversation } from "app/core/rows.js";

const FOLDER = new URL("../../chat/tests/golden/", import.meta.url);
const NOW = Date.parse("2026-03-12T09:00:00.000Z");

const exists = existsSync(FOLDER);
const files = exists ? readdirSync(FOLDER).filter((name) => name.endsWith(".json")).sort() : [];

if (!exists) {
  console.log("NO GOLDEN FILES: chat/tests/golden doesn't exist, so nothing ties the client to the server here.");
}

test("a folder of golden files is not empty", () => {
  assert.ok(!exists || files.length > 0, "chat/tests/golden exists and is empty");
});

for (const name of files) {
  const { before, events, after } = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));

  test(`golden ${name}: the events lead to what the server has`, () => {
    const state = reduceAll(startOf(before), events, NOW);
    assert.deepEqual(mirrorOf(state).conversations, expected(after));
  });

  test(`golden ${name}: one by one as well, and twice changes nothing`, () => {
    let state = startOf(before);
    for (const event of events) state = reduceAll(state, [event], NOW);
    assert.deepEqual(mirrorOf(state).conversations, expected(after));
    // A conversation that is gone would be begun anew by its old events.
    const durable = events.filter((/** @type {any} */ { type, conversation }) =>
      ["message", "member", "conversation"].includes(type) && conversation in state.conversations);
    assert.deepEqual(mirrorOf(reduceAll(state, durable, NOW)).conversations, expected(after));
  });
}

/**
 * @param {any} before a part of the state, or null
 * @returns {import("app/core/types.js").State}
 */
function startOf(before) {
  const empty = emptyState();
  if (before === null) return empty;
  const entries = Object.entries(before.conversations ?? {});
  const conversations = Object.fromEntries(entries.map(([id, given]) => {
    const part = /** @type {any} */ (given);
    return [id, { ...newConversation(part.row), ...part }];
  }));
  return { ...empty, ...before, conversations };
}

/**
 * The server's receipts name their user once more inside; the client's are keyed by user alone.
 * @param {any} after
 */
function expected(after) {
  const entries = Object.entries(after.conversations).map(([id, given]) => {
    const conversation = /** @type {any} */ (given);
    const receipts = Object.entries(conversation.receipts).map(([user, receipt]) => {
      const { user: _user, ...positions } = /** @type {any} */ (receipt);
      return [user, positions];
    });
    return [id, { ...conversation, receipts: Object.fromEntries(receipts) }];
  });
  return Object.fromEntries(entries);
}
