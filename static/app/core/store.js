/**
 * The client's state and its one way to change: `reduce(state, event, now)`. Pure; what didn't
 * change keeps its identity.
 *
 * @typedef {import("./types.js").State} State
 * @typedef {import("./types.js").StoreEvent} StoreEvent
 * @typedef {import("./types.js").Ack} Ack
 * @typedef {import("./types.js").Welcome} Welcome
 * @typedef {import("./types.js").ErrorFrame} ErrorFrame
 */
import { Changes } from "app/core/changes.js";
import { applyLive, applySync, keepOrphan } from "app/core/durable.js";
import { applyPresence, applyReceipt, applySynced, applyTyping } from "app/core/ephemeral.js";
import { applyLocal } from "app/core/local.js";
import * as outbox from "app/core/outbox.js";
import { countUp, putMessage } from "app/core/rows.js";

/** @returns {State} */
export function emptyState() {
  return {
    user: null,
    session: null,
    epoch: null,
    limits: null,
    connection: {
      state: "connecting", retryAt: null, rtt: null, lastConnectedAt: null, done: 0, total: 0, closeCode: null,
    },
    conversations: {},
    orphans: {},
    presence: {},
    outbox: [],
    drafts: {},
    clockOffset: 0,
    statesDue: false,
  };
}

/**
 * @param {State} state
 * @param {StoreEvent} event
 * @param {number} now this device's clock, ms
 * @param {() => number} [random] only spreads repetitions of messages
 * @returns {State}
 */
export function reduce(state, event, now, random = Math.random) {
  return reduceAll(state, [event], now, random);
}

/**
 * Several events as one change of state.
 * @param {State} state
 * @param {StoreEvent[]} events in order
 * @param {number} now
 * @param {() => number} [random]
 * @returns {State}
 */
export function reduceAll(state, events, now, random = Math.random) {
  const changes = new Changes(state);
  for (const event of events) apply(changes, event, now, random);
  return changes.state;
}

/**
 * @param {Changes} changes
 * @param {StoreEvent} event
 * @param {number} now
 * @param {() => number} random
 */
function apply(changes, event, now, random) {
  switch (event.type) {
    case "batch":
      for (const inner of event.events) apply(changes, inner, now, random);
      return;
    case "message":
    case "member":
    case "conversation":
      return applyLive(changes, event, now);
    case "sync":
      applySync(changes, event, now);
      return countCaughtUp(changes, event.more);
    case "synced":
      return applySynced(changes, event, now);
    case "conversation.removed":
      return remove(changes, event.conversation);
    case "receipt":
      if (!changes.state.conversations[event.conversation]) return keepOrphan(changes, event, now);
      return applyReceipt(changes, event);
    case "typing":
      return applyTyping(changes, event, now);
    case "presence":
      return applyPresence(changes, event.user, event.online);
    case "ack":
      return applyAck(changes, event);
    case "error":
      return applyError(changes, event, now, random);
    case "welcome":
      return applyWelcome(changes, event, now);
    case "pong":
      return setClock(changes, event.server_time, now);
    case "authed":
    case "auth.expiring":
    case "resync":
      return; // For the services; no state changes.
    default:
      // An unknown type is a newer server's; the protocol says to ignore it.
      if (event.type.startsWith("local.")) applyLocal(changes, event, now);
  }
}

/**
 * @param {Changes} changes
 * @param {Welcome} event
 * @param {number} now
 */
function applyWelcome(changes, event, now) {
  const { state } = changes;
  if (state.epoch !== null && state.epoch !== event.epoch) {
    // Another history: nothing that is known counts any more. What waits to be sent does.
    state.conversations = {};
    state.orphans = {};
    state.presence = {};
  }
  state.user = event.user;
  state.session = event.session;
  state.epoch = event.epoch;
  state.limits = event.limits;
  state.statesDue = true;
  state.outbox = outbox.connected(state.outbox);
  state.connection = {
    ...state.connection, state: "catching-up", retryAt: null, done: 0, total: 0, closeCode: null,
  };
  setClock(changes, event.server_time, now);
}

/**
 * Small differences are the network's; they are not worth a change of state.
 * @param {Changes} changes
 * @param {string} serverTime
 * @param {number} now
 */
function setClock(changes, serverTime, now) {
  const offset = Date.parse(serverTime) - now;
  if (Number.isFinite(offset) && Math.abs(offset - changes.state.clockOffset) > 1_000) {
    changes.state.clockOffset = offset;
  }
}

/**
 * @param {Changes} changes
 * @param {boolean} more
 */
function countCaughtUp(changes, more) {
  const { connection } = changes.state;
  if (more || connection.state !== "catching-up") return;
  changes.state.connection = { ...connection, done: connection.done + 1 };
}

/**
 * @param {Changes} changes
 * @param {string} id conversation
 */
function remove(changes, id) {
  if (id in changes.state.conversations) delete changes.map("conversations")[id];
  if (id in changes.state.orphans) delete changes.map("orphans")[id];
}

/**
 * The message is stored. Its row comes as an event as well; until then it is made from what was
 * sent, so that it doesn't vanish in between. `known` waits for the event.
 * @param {Changes} changes
 * @param {Ack} event
 */
function applyAck(changes, event) {
  const { state } = changes;
  const item = state.outbox.find((candidate) => candidate.id === event.id);
  if (!item) return;
  state.outbox = state.outbox.filter((candidate) => candidate !== item);
  const conversation = state.conversations[event.conversation];
  if (!conversation || conversation.messages[event.id] || event.version <= (conversation.known ?? 0)) return;
  putMessage(changes, {
    id: item.id, conversation: item.conversation, seq: event.seq, version: event.version,
    sender: state.user?.id ?? null, kind: "text", body: item.body, reply_to: item.reply_to,
    attachments: [], mentions: [], reactions: [], pinned_at: null,
    created_at: event.created_at, edited_at: null, deleted_at: null,
  });
  countUp(changes, event.conversation, { last_seq: event.seq });
}

/**
 * @param {Changes} changes
 * @param {ErrorFrame} event
 * @param {number} now
 * @param {() => number} random
 */
function applyError(changes, event, now, random) {
  const { state } = changes;
  if (!event.ref || !state.outbox.some((item) => item.id === event.ref)) return;
  const refusal = { code: event.code, detail: event.detail, retryAfter: event.retry_after ?? null };
  state.outbox = outbox.refused(state.outbox, event.ref, refusal, now, random);
}

/**
 * What the state mirrors of the server, to compare two histories.
 * @param {State} state
 */
export function mirrorOf(state) {
  const entries = Object.entries(state.conversations).map(([id, conversation]) => {
    const { known, row, members, messages, receipts } = conversation;
    return [id, { known, row, members, messages, receipts }];
  });
  return { conversations: Object.fromEntries(entries) };
}

/**
 * What to tell the server that this device has: conversation → version.
 * @param {State} state
 * @returns {Record<string, number>}
 */
export function versionsOf(state) {
  /** @type {Record<string, number>} */
  const versions = {};
  for (const [id, { known }] of Object.entries(state.conversations)) {
    if (known !== null) versions[id] = known;
  }
  return versions;
}

/**
 * Conversations of which something is missing since `now - patience` or longer.
 * @param {State} state
 * @param {number} now
 * @param {number} patience ms
 * @returns {Record<string, number>} conversation → the version to ask from
 */
export function gapsOf(state, now, patience) {
  /** @type {Record<string, number>} */
  const versions = {};
  for (const [id, { gapSince, known }] of Object.entries(state.conversations)) {
    if (gapSince !== null && gapSince + patience <= now) versions[id] = known ?? 0;
  }
  for (const [id, { since }] of Object.entries(state.orphans)) {
    if (since + patience <= now) versions[id] = 0;
  }
  return versions;
}
