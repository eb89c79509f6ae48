/**
 * The outbox as a pure machine: what waits, what may go now, what an answer does. In each
 * conversation one message is on its way at a time, oldest first, so that order is kept; a message
 * keeps its id through every repetition, so that none is made twice.
 *
 * @typedef {import("./types.js").OutboxItem} OutboxItem
 */
import { delayFor } from "app/core/backoff.js";

/** No acknowledgement for this long: the same message is sent again, ms. */
export const ACK_TIMEOUT = 10_000;
/** Where the server gives no time to wait, ms. */
const DEFAULT_RATE_WAIT = 5_000;

const PERMANENT = new Set(["forbidden", "not_found", "conflict", "invalid", "too_large"]);

/**
 * @param {{ id: string, conversation: string, body: string, reply_to?: string | null, n: number, created_at: string }} message
 * @returns {OutboxItem}
 */
export function newItem({ id, conversation, body, reply_to = null, n, created_at }) {
  return {
    id, conversation, body, reply_to, n, created_at,
    state: "waiting", tries: 0, reason: null, code: null, retryAt: null, sentAt: null,
  };
}

/**
 * The items that may be written to the socket now.
 * @param {OutboxItem[]} items
 * @param {number} now
 */
export function nextToSend(items, now) {
  if (pausedUntil(items, now) !== null) return [];
  return heads(items).filter((item) => (dueAt(item) ?? now) <= now);
}

/**
 * When `nextToSend` will have something that it doesn't have now; null: only after an event.
 * @param {OutboxItem[]} items
 * @param {number} now
 * @returns {number | null}
 */
export function wakeAt(items, now) {
  const pause = pausedUntil(items, now);
  const times = heads(items).map(dueAt).filter((time) => time !== null && time > now);
  const next = times.length === 0 ? null : Math.min(.../** @type {number[]} */ (times));
  return pause === null ? next : Math.max(pause, next ?? pause);
}

/**
 * Until when the server asked this user to slow down; null: it didn't.
 * @param {OutboxItem[]} items
 * @param {number} now
 * @returns {number | null}
 */
export function pausedUntil(items, now) {
  const ends = items
    .filter((item) => item.state === "waiting" && item.code === "rate_limited" && (item.retryAt ?? 0) > now)
    .map((item) => item.retryAt ?? 0);
  return ends.length === 0 ? null : Math.max(...ends);
}

/**
 * Per conversation the first item that is not refused for good.
 * @param {OutboxItem[]} items
 */
function heads(items) {
  /** @type {Map<string, OutboxItem>} */
  const first = new Map();
  for (const item of items) {
    if (item.state === "failed") continue;
    const head = first.get(item.conversation);
    if (!head || item.n < head.n) first.set(item.conversation, item);
  }
  return [...first.values()].sort((a, b) => a.n - b.n);
}

/** @param {OutboxItem} item */
function dueAt(item) {
  if (item.state === "sending") return (item.sentAt ?? 0) + ACK_TIMEOUT;
  return item.retryAt;
}

/**
 * @param {OutboxItem[]} items
 * @param {string} id
 * @param {Partial<OutboxItem>} patch
 */
function patched(items, id, patch) {
  return items.map((item) => (item.id === id ? { ...item, ...patch } : item));
}

/**
 * The message was written to a socket.
 * @param {OutboxItem[]} items
 * @param {string} id
 * @param {number} now
 */
export function sending(items, id, now) {
  const tries = (items.find((item) => item.id === id)?.tries ?? 0) + 1;
  return patched(items, id, { state: "sending", sentAt: now, tries, retryAt: null, code: null, reason: null });
}

/**
 * The server refused the message, for good or for now.
 * @param {OutboxItem[]} items
 * @param {string} id
 * @param {{ code: string, detail: string, retryAfter?: number | null }} refusal `retryAfter` in seconds
 * @param {number} now
 * @param {() => number} random
 */
export function refused(items, id, { code, detail, retryAfter = null }, now, random) {
  const item = items.find((candidate) => candidate.id === id);
  if (!item) return items;
  if (PERMANENT.has(code)) {
    return patched(items, id, { state: "failed", code, reason: detail, retryAt: null, sentAt: null });
  }
  const told = retryAfter === null ? null : Math.ceil(retryAfter * 1000);
  const wait = code === "rate_limited"
    ? (told ?? DEFAULT_RATE_WAIT)
    : Math.max(told ?? 0, delayFor(item.tries, random));
  return patched(items, id, { state: "waiting", code, reason: detail, retryAt: now + wait, sentAt: null });
}

/**
 * The socket is gone, or this is a new page: whatever was on its way goes again, with the same id.
 * @param {OutboxItem[]} items
 * @returns {OutboxItem[]}
 */
export function disconnected(items) {
  if (!items.some((item) => item.state === "sending")) return items;
  return items.map((item) => (item.state === "sending" ? { ...item, state: "waiting", sentAt: null } : item));
}

/**
 * A new socket is up: waits that only an outage caused are over. What the server asked for is kept.
 * @param {OutboxItem[]} items
 */
export function connected(items) {
  return items.map((item) =>
    item.retryAt !== null && item.code !== "rate_limited" ? { ...item, retryAt: null } : item);
}

/**
 * A refused message back into the queue. A `conflict` says that its id belongs to another message.
 * @param {OutboxItem} item
 * @param {string} freshId
 * @returns {OutboxItem}
 */
export function again(item, freshId) {
  const id = item.code === "conflict" ? freshId : item.id;
  return { ...item, id, state: "waiting", tries: 0, code: null, reason: null, retryAt: null, sentAt: null };
}

/**
 * Whether the text may still change: never once the server may have it.
 * @param {OutboxItem} item
 */
export function editable(item) {
  return item.state === "failed" || (item.state === "waiting" && item.tries === 0);
}

/**
 * Items by id into the list, in order; one that is there is replaced.
 * @param {OutboxItem[]} items
 * @param {OutboxItem[]} more
 */
export function merged(items, more) {
  const byId = new Map(items.map((item) => [item.id, item]));
  for (const item of more) byId.set(item.id, item);
  return [...byId.values()].sort((a, b) => a.n - b.n);
}
