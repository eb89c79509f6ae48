// One small world for the tests: Alice is signed in, Bob is in, Charlie is out.
import { emptyState, reduceAll } from "app/core/store.js";

export const NOW = Date.parse("2026-03-12T09:00:00.000Z");
export const EPOCH = "e0000000-0000-4000-8000-000000000001";
export const ROOM = "c0000000-0000-4000-8000-000000000001";

/** @param {string} name @param {number} n */
const person = (name, n) => ({
  id: `a0000000-0000-4000-8000-00000000000${n}`, username: name.toLowerCase(), display_name: name, avatar: null,
});
export const ALICE = person("Alice", 1);
export const BOB = person("Bob", 2);
export const CHARLIE = person("Charlie", 3);

/** @param {number} seq */
export const messageId = (seq) => `b0000000-0000-4000-8000-${String(seq).padStart(12, "0")}`;

/** @typedef {import("app/core/types.js").StoreEvent} StoreEvent */

/**
 * @param {number} seq
 * @param {number} version
 * @param {Partial<import("app/core/types.js").MessageRow>} [more]
 * @returns {import("app/core/types.js").MessageRow}
 */
export function message(seq, version, more = {}) {
  return {
    id: messageId(seq), conversation: ROOM, seq, version, sender: BOB.id, kind: "text", body: `message ${seq}`,
    reply_to: null, attachments: [], mentions: [], reactions: [], pinned_at: null,
    created_at: new Date(NOW + seq * 1000).toISOString(), edited_at: null, deleted_at: null, ...more,
  };
}

/**
 * @param {import("app/core/types.js").User} user
 * @param {number} version
 * @param {Partial<import("app/core/types.js").MemberRow>} [more]
 * @returns {import("app/core/types.js").MemberRow}
 */
export function member(user, version, more = {}) {
  return { conversation: ROOM, user, role: "member", joined_at: "2026-03-01T00:00:00.000Z", left_at: null, version, ...more };
}

/**
 * @param {number} version
 * @param {number} lastSeq
 * @param {Partial<import("app/core/types.js").WireConversation>} [more]
 * @returns {import("app/core/types.js").WireConversation}
 */
export function room(version, lastSeq, more = {}) {
  return {
    id: ROOM, kind: "group", title: "Launch", topic: "", avatar: null, created_at: "2026-03-01T00:00:00.000Z",
    last_seq: lastSeq, version, archived_at: null,
    me: { role: "member", read_seq: 0, unread: lastSeq, mentions: 0, muted_until: null, pinned: false }, ...more,
  };
}

/**
 * @param {import("app/core/types.js").MessageRow} row
 * @returns {StoreEvent}
 */
export const live = (row) => ({ type: "message", conversation: row.conversation, version: row.version, data: row });

/**
 * @param {{ from?: number, to: number, reset?: boolean, more?: boolean, data: import("app/core/types.js").WireConversation,
 *   members?: import("app/core/types.js").MemberRow[], messages?: import("app/core/types.js").MessageRow[],
 *   receipts?: import("app/core/types.js").WireReceipt[] }} frame
 * @returns {import("app/core/types.js").SyncFrame}
 */
export function sync({ from = 0, reset = false, more = false, members = [], messages = [], receipts = [], ...rest }) {
  return { type: "sync", conversation: rest.data.id, from, reset, more, members, messages, receipts, ...rest };
}

/** @returns {import("app/core/types.js").Welcome} */
export const welcome = (epoch = EPOCH) => ({
  type: "welcome", protocol: 1, user: ALICE, session: "d0000000-0000-4000-8000-000000000001", epoch,
  server_time: new Date(NOW).toISOString(), token_expires_at: new Date(NOW + 300_000).toISOString(),
  heartbeat: 25, limits: { page: 50, body_chars: 4000 },
});

/**
 * The room as Alice has it: two members (versions 1, 2) and `count` messages by Bob after them.
 * @param {number} count
 */
export function settled(count = 3) {
  const messages = Array.from({ length: count }, (_, index) => message(index + 1, index + 3));
  return play(emptyState(), [
    welcome(),
    sync({ to: count + 2, reset: true, data: room(count + 2, count), members: [member(ALICE, 1), member(BOB, 2)], messages }),
    { type: "synced" },
  ]);
}

/**
 * @param {import("app/core/types.js").State} state
 * @param {StoreEvent[]} events
 * @param {number} [now]
 */
export const play = (state, events, now = NOW) => events.reduce((before, event) => reduceAll(before, [event], now, () => 0.5), state);

/** A message of Alice's that is on its way. */
export const OUTBOX_ITEM = /** @type {import("app/core/types.js").OutboxItem} */ ({
  id: "f0000000-0000-4000-8000-000000000001", conversation: ROOM, body: "hello", reply_to: null, n: 1, state: "sending",
  tries: 1, reason: null, code: null, retryAt: null, sentAt: NOW, created_at: new Date(NOW).toISOString(),
});
