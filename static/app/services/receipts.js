/**
 * Tells the server how far this device has received and this person has read. Positions are
 * cumulative: the last one says it all, so they are collected and sent seldom.
 *
 * @typedef {import("app/core/types.js").State} State
 * @typedef {import("app/core/types.js").Conversation} Conversation
 */
import { messagesOf } from "app/core/conversation.js";

/** Read positions of one conversation go out at most this often, ms. */
const READ_EVERY = 1_000;
/** Delivered positions are collected this long, ms, and go out so many at a time. */
const DELIVERED_AFTER = 200;
const DELIVERED_AT_ONCE = 10;

/**
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {import("./store.js").Store} parts.store
 * @param {import("./sync.js").Sync} parts.sync
 */
export function createReceipts({ ports: { clock, visibility }, store, sync }) {
  /** @type {Map<string, number>} */
  const delivered = new Map();
  /** @type {Map<string, number>} */
  const deliveredSent = new Map();
  /** @type {Map<string, number>} */
  const reads = new Map();
  /** @type {Map<string, number>} conversation → when the last one was sent */
  const readSentAt = new Map();
  /** @type {(() => void) | null} */
  let cancelDelivered = null;
  /** @type {(() => void) | null} */
  let cancelReads = null;

  store.onChange((next, before) => {
    if (next.conversations !== before.conversations) collect(next, before.conversations);
  });
  sync.onWelcome(() => deliveredSent.clear());
  sync.onSynced(() => {
    collect(store.state.value, {});
    sendReads(true);
  });
  visibility.onHide(() => sendReads(true));

  /**
   * @param {State} state
   * @param {State["conversations"]} before
   */
  function collect(state, before) {
    const { user } = state;
    if (!user) return;
    for (const [id, conversation] of Object.entries(state.conversations)) {
      if (before[id]?.messages === conversation.messages && before[id]?.gapSince === conversation.gapSince) continue;
      const known = Math.max(conversation.receipts[user.id]?.delivered_seq ?? 0, conversation.row.me.read_seq);
      const seq = newestForeign(conversation, user.id, Math.max(known, deliveredSent.get(id) ?? 0));
      if (seq !== null) delivered.set(id, seq);
    }
    if (delivered.size > 0) cancelDelivered ??= clock.after(DELIVERED_AFTER, sendDelivered);
  }

  function sendDelivered() {
    cancelDelivered = null;
    for (const [id, seq] of [...delivered].slice(0, DELIVERED_AT_ONCE)) {
      if (!sync.send({ type: "delivered", conversation: id, seq })) return; // Collected again after the next sync.
      delivered.delete(id);
      deliveredSent.set(id, seq);
    }
    if (delivered.size > 0) cancelDelivered = clock.after(READ_EVERY, sendDelivered);
  }

  /** @param {boolean} atOnce */
  function sendReads(atOnce) {
    cancelReads?.();
    cancelReads = null;
    const now = clock.now();
    let next = Infinity;
    for (const [id, seq] of reads) {
      const due = (readSentAt.get(id) ?? -Infinity) + READ_EVERY;
      if (!atOnce && due > now) next = Math.min(next, due);
      else if (sync.send({ type: "read", conversation: id, seq })) {
        reads.delete(id);
        readSentAt.set(id, now);
      }
    }
    if (next !== Infinity) cancelReads = clock.after(next - now, () => sendReads(false));
  }

  return {
    /**
     * Everything up to `seq` has been seen. Only forward; kept until there is a connection.
     * @param {string} id conversation
     * @param {number} seq
     */
    markRead(id, seq) {
      const conversation = store.state.value.conversations[id];
      if (!conversation || seq <= conversation.row.me.read_seq) return;
      reads.set(id, seq);
      store.dispatch({ type: "local.read", conversation: id, seq });
      sendReads(false);
    },
    close() {
      cancelDelivered?.();
      cancelReads?.();
      cancelDelivered = null;
      cancelReads = null;
      delivered.clear();
      deliveredSent.clear();
      reads.clear();
      readSentAt.clear();
    },
  };
}

/**
 * The newest `seq` above `above` that can be confirmed: a message of somebody else, and nothing
 * missing before it.
 * @param {Conversation} conversation
 * @param {string} userId
 * @param {number} above
 */
function newestForeign(conversation, userId, above) {
  if (conversation.gapSince !== null || conversation.known === null) return null;
  const messages = messagesOf(conversation);
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    if (messages[index].seq <= above) return null;
    if (messages[index].sender !== userId) return messages[index].seq;
  }
  return null;
}
