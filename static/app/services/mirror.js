/**
 * The copy of the state in this device's database, so that a new page starts with what the last
 * one knew, and asks only for what changed since. Only the leading tab writes it.
 *
 * @typedef {import("app/core/types.js").State} State
 * @typedef {import("app/core/types.js").Conversation} Conversation
 * @typedef {import("app/core/types.js").MessageRow} MessageRow
 * @typedef {import("app/ports/types.js").Db} Db
 * @typedef {import("app/ports/types.js").MirrorRead} MirrorRead
 * @typedef {import("app/ports/types.js").MirrorWrite} MirrorWrite
 * @typedef {import("app/ports/types.js").StoredConversation} StoredConversation
 */

/** Messages of each conversation that a new page starts with. */
export const KEPT_MESSAGES = 50;
/** Changes are collected this long before they are written, ms. */
const WRITE_AFTER = 500;

/**
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {import("./store.js").Store} parts.store
 * @param {import("./leader.js").Leader} parts.leader
 */
export function createMirror({ ports: { clock, visibility }, store, leader }) {
  /** @type {Db | null} */
  let db = null;
  /** What the database holds; null: unknown, because another tab has written it. */
  /** @type {State["conversations"] | null} */
  let written = null;
  /** @type {(() => void) | null} */
  let cancelWrite = null;
  let writing = Promise.resolve();

  store.onChange((next) => {
    if (db && leader.isLeader() && next.conversations !== written) schedule();
  });
  leader.onGain(() => {
    if (db) schedule();
  });
  visibility.onHide(() => {
    if (cancelWrite) write();
  });

  function schedule() {
    cancelWrite ??= clock.after(WRITE_AFTER, write);
  }

  function write() {
    cancelWrite?.();
    cancelWrite = null;
    const target = db;
    if (!target || !leader.isLeader()) return;
    const { conversations, epoch } = store.state.value;
    const change = difference(written, conversations, epoch);
    written = conversations;
    writing = writing.then(() => target.writeMirror(change)).catch((error) => {
      // The mirror only saves time; without it the server is asked for more.
      console.warn("The copy on this device could not be written.", error);
      written = null;
    });
  }

  return {
    /**
     * What this device knows of the person's conversations.
     * @param {Db} opened
     * @returns {Promise<Pick<State, "conversations" | "epoch">>}
     */
    async restore(opened) {
      const led = leader.isLeader();
      const read = await opened.readMirror(KEPT_MESSAGES);
      const conversations = restored(read);
      db = opened;
      written = led ? conversations : null;
      return { conversations, epoch: read.epoch };
    },
    async close() {
      if (cancelWrite) write();
      db = null;
      written = null;
      await writing;
    },
  };
}

/**
 * @param {MirrorRead} read
 * @returns {State["conversations"]}
 */
function restored({ conversations, messages }) {
  return Object.fromEntries(conversations.map((stored) => {
    const { id, ...rest } = stored;
    return [id, withMessages({ ...rest, messages: {}, typing: {} }, messages[id] ?? [])];
  }));
}

/**
 * The window begins where the kept messages begin, if that is later than it did.
 * @param {Conversation} conversation
 * @param {MessageRow[]} rows ascending, reaching to the end
 * @returns {Conversation}
 */
function withMessages(conversation, rows) {
  const byId = Object.fromEntries(rows.map((row) => [row.id, row]));
  const { oldestSeq, hasBefore } = conversation;
  if (oldestSeq === null || rows.length === 0 || rows[0].seq <= oldestSeq) {
    return { ...conversation, messages: byId };
  }
  const cut = rows[0].seq;
  return { ...conversation, messages: byId, oldestSeq: cut, hasBefore: hasBefore || cut > oldestSeq };
}

/**
 * @param {State["conversations"] | null} before null: everything is written anew
 * @param {State["conversations"]} after
 * @param {string | null} epoch
 * @returns {MirrorWrite}
 */
export function difference(before, after, epoch) {
  /** @type {MirrorWrite} */
  const write = { clear: before === null, conversations: [], removed: [], messages: [], removedMessages: [], epoch };
  const old = before ?? {};
  for (const id of Object.keys(old)) {
    if (!(id in after)) write.removed.push(id);
  }
  for (const [id, conversation] of Object.entries(after)) {
    if (old[id] === conversation) continue;
    write.conversations.push(stored(id, conversation));
    const had = old[id]?.messages ?? {};
    if (had === conversation.messages) continue;
    for (const [key, row] of Object.entries(conversation.messages)) {
      if (had[key] !== row) write.messages.push(row);
    }
    for (const key of Object.keys(had)) {
      if (!(key in conversation.messages)) write.removedMessages.push(key);
    }
  }
  return write;
}

/**
 * @param {string} id
 * @param {Conversation} conversation
 * @returns {StoredConversation}
 */
function stored(id, conversation) {
  const { messages: _messages, typing: _typing, ...rest } = conversation;
  return { id, ...rest };
}
