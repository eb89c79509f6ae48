/**
 * The database of a browser that has none: it lasts as long as the tab.
 * @typedef {import("./types.js").StoredConversation} StoredConversation
 * @typedef {import("app/core/types.js").MessageRow} MessageRow
 * @typedef {import("app/core/types.js").OutboxItem} OutboxItem
 */

/** @returns {import("./types.js").Db} */
export function memoryDb() {
  /** @type {Map<string, StoredConversation>} */
  const conversations = new Map();
  /** @type {Map<string, MessageRow>} */
  const messages = new Map();
  /** @type {Map<string, OutboxItem>} */
  const outbox = new Map();
  /** @type {string | null} */
  let epoch = null;

  /** @param {string} id */
  const messagesIn = (id) => [...messages.values()].filter((row) => row.conversation === id);

  return {
    async readMirror(perConversation) {
      const newest = [...conversations.keys()].map((id) => {
        const rows = messagesIn(id).sort((a, b) => a.seq - b.seq).slice(-perConversation);
        return /** @type {[string, MessageRow[]]} */ ([id, rows]);
      });
      return { conversations: [...conversations.values()], messages: Object.fromEntries(newest), epoch };
    },
    async writeMirror(write) {
      if (write.clear) {
        conversations.clear();
        messages.clear();
      }
      for (const id of write.removed) {
        conversations.delete(id);
        for (const row of messagesIn(id)) messages.delete(row.id);
      }
      for (const id of write.removedMessages) messages.delete(id);
      for (const row of write.messages) messages.set(row.id, row);
      for (const row of write.conversations) conversations.set(row.id, row);
      epoch = write.epoch;
    },
    outbox: async () => [...outbox.values()],
    async putOutbox(items) {
      for (const item of items) outbox.set(item.id, item);
    },
    async removeOutbox(id) {
      outbox.delete(id);
    },
    async destroy() {
      conversations.clear();
      messages.clear();
      outbox.clear();
    },
    close() {},
  };
}
