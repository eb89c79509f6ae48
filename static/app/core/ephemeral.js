/**
 * States that are not history: read and delivery positions, typing, presence.
 *
 * @typedef {import("./types.js").WireReceipt} WireReceipt
 * @typedef {import("./types.js").ServerEvent} ServerEvent
 * @typedef {import("./types.js").Synced} Synced
 * @typedef {import("./changes.js").Changes} Changes
 */
import { countedAfter, putMe } from "app/core/rows.js";

/** How long "is typing" holds unless renewed, ms. */
export const TYPING_HOLDS = 6_000;

/**
 * Positions never move backwards; having read implies having received.
 * @param {Changes} changes
 * @param {string} id conversation
 * @param {WireReceipt} receipt
 */
export function advanceReceipt(changes, id, receipt) {
  const old = changes.state.conversations[id].receipts[receipt.user];
  const read = Math.max(old?.read_seq ?? 0, receipt.read_seq);
  const delivered = Math.max(old?.delivered_seq ?? 0, receipt.delivered_seq, read);
  if (old && old.read_seq === read && old.delivered_seq === delivered) return;
  changes.part(id, "receipts")[receipt.user] = { read_seq: read, delivered_seq: delivered };
}

/**
 * @param {Changes} changes
 * @param {Extract<ServerEvent, { type: "receipt" }>} event
 */
export function applyReceipt(changes, event) {
  const conversation = changes.state.conversations[event.conversation];
  advanceReceipt(changes, event.conversation, event);
  const { me } = conversation.row;
  if (event.user !== changes.state.user?.id || event.read_seq < me.read_seq) return;
  // The server's count may hold messages that are still on their way here, and count when they come.
  const counted = countedAfter(conversation, event.read_seq, event.user);
  putMe(changes, event.conversation, {
    read_seq: event.read_seq,
    unread: counted?.unread ?? event.unread ?? me.unread,
    mentions: counted?.mentions ?? event.mentions ?? me.mentions,
  });
}

/**
 * @param {Changes} changes
 * @param {Extract<ServerEvent, { type: "typing" }>} event
 * @param {number} now
 */
export function applyTyping(changes, event, now) {
  const conversation = changes.state.conversations[event.conversation];
  if (!conversation || event.user === changes.state.user?.id) return;
  if (event.on) changes.part(event.conversation, "typing")[event.user] = now + TYPING_HOLDS;
  else if (event.user in conversation.typing) delete changes.part(event.conversation, "typing")[event.user];
}

/**
 * @param {Changes} changes
 * @param {string} user
 * @param {boolean} online
 */
export function applyPresence(changes, user, online) {
  if (online) changes.map("presence")[user] = true;
  else if (user in changes.state.presence) delete changes.map("presence")[user];
}

/**
 * The end of a sync, with the positions and presence that it was asked for.
 * @param {Changes} changes
 * @param {Synced} event
 * @param {number} now
 */
export function applySynced(changes, event, now) {
  const { state } = changes;
  for (const receipt of event.receipts ?? []) {
    if (receipt.conversation && state.conversations[receipt.conversation]) {
      advanceReceipt(changes, receipt.conversation, receipt);
    }
  }
  if (state.statesDue) {
    state.presence = Object.fromEntries((event.online ?? []).map((id) => [id, true]));
    state.statesDue = false;
  }
  for (const [id, conversation] of Object.entries(state.conversations)) {
    // A reset that never ended is asked for again.
    if (conversation.known === null) changes.conversation(id).gapSince ??= now;
  }
  if (state.connection.state === "catching-up") {
    state.connection = { ...state.connection, state: "connected", lastConnectedAt: now };
  }
}

/**
 * Ends "is typing" that was not renewed.
 * @param {Changes} changes
 * @param {number} now
 */
export function expireTyping(changes, now) {
  for (const [id, conversation] of Object.entries(changes.state.conversations)) {
    for (const [user, until] of Object.entries(conversation.typing)) {
      if (until <= now) delete changes.part(id, "typing")[user];
    }
  }
}

/**
 * The socket is gone: who types and who is online is not known any more.
 * @param {Changes} changes
 */
export function forgetStates(changes) {
  changes.state.presence = {};
  for (const [id, conversation] of Object.entries(changes.state.conversations)) {
    if (Object.keys(conversation.typing).length > 0) changes.conversation(id).typing = {};
  }
}
