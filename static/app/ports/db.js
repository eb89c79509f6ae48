import { deleteDB, openDB } from "idb";
import { memoryDb } from "app/ports/memory-db.js";

/**
 * @typedef {import("./types.js").ChatSchema} ChatSchema
 * @typedef {import("./types.js").Db} Db
 */

const VERSION = 1;

/** @param {string} userId */
const nameOf = (userId) => `pn-${userId}`;

/** @returns {import("./types.js").DbPort} */
export function browserDb() {
  return {
    async open(userId) {
      try {
        return storedDb(userId, await opened(userId));
      } catch (error) {
        console.warn("No IndexedDB here: waiting messages live as long as this tab.", error);
        return memoryDb();
      }
    },
    async destroy(userId) {
      if (typeof indexedDB !== "undefined") await deleteDB(nameOf(userId));
    },
    async persist() {
      return (await navigator.storage?.persist?.()) ?? false;
    },
  };
}

/** @param {string} userId */
function opened(userId) {
  return openDB(nameOf(userId), VERSION, {
    /** @param {import("idb").IDBPDatabase<ChatSchema>} db */
    upgrade(db) {
      db.createObjectStore("conversations", { keyPath: "id" });
      // Serves `readMirror`: the newest messages of one conversation.
      db.createObjectStore("messages", { keyPath: "id" }).createIndex("place", ["conversation", "seq"]);
      db.createObjectStore("outbox", { keyPath: "id" });
      db.createObjectStore("meta");
    },
    blocking(_current, _blocked, event) {
      // Another tab deletes or upgrades: it must not wait for this one.
      /** @type {IDBDatabase} */ (event.target).close();
    },
  });
}

/**
 * @param {string} userId
 * @param {import("idb").IDBPDatabase<ChatSchema>} db
 * @returns {Db}
 */
function storedDb(userId, db) {
  return {
    async readMirror(perConversation) {
      const tx = db.transaction(["conversations", "messages", "meta"]);
      const conversations = await tx.objectStore("conversations").getAll();
      /** @type {Record<string, import("app/core/types.js").MessageRow[]>} */
      const messages = {};
      for (const { id } of conversations) {
        messages[id] = await newest(tx.objectStore("messages").index("place"), id, perConversation);
      }
      const epoch = /** @type {string | undefined} */ (await tx.objectStore("meta").get("epoch"));
      return { conversations, messages, epoch: epoch ?? null };
    },
    async writeMirror(write) {
      const tx = db.transaction(["conversations", "messages", "meta"], "readwrite");
      const conversations = tx.objectStore("conversations");
      const messages = tx.objectStore("messages");
      const emptied = write.clear ? [conversations.clear(), messages.clear()] : [];
      for (const id of write.removed) {
        await conversations.delete(id);
        for (const key of await messages.index("place").getAllKeys(placesOf(id))) await messages.delete(key);
      }
      const requests = [
        ...emptied,
        ...write.removedMessages.map((id) => messages.delete(id)),
        ...write.messages.map((row) => messages.put(row)),
        ...write.conversations.map((row) => conversations.put(row)),
        tx.objectStore("meta").put(write.epoch, "epoch"),
      ];
      // A page that is being left hears no answers, and without this word its writes are undone.
      tx.commit();
      await Promise.all([...requests, tx.done]);
    },
    outbox: () => db.getAll("outbox"),
    async putOutbox(items) {
      const tx = db.transaction("outbox", "readwrite", { durability: "strict" });
      await Promise.all([...items.map((item) => tx.store.put(item)), tx.done]);
    },
    removeOutbox: (id) => db.delete("outbox", id),
    async destroy() {
      db.close();
      await deleteDB(nameOf(userId));
    },
    close: () => db.close(),
  };
}

/** @param {string} id conversation */
function placesOf(id) {
  return IDBKeyRange.bound([id, 0], [id, Infinity]);
}

/**
 * @param {import("idb").IDBPIndex<ChatSchema, any, "messages", "place", "readonly">} places
 * @param {string} id conversation
 * @param {number} limit
 */
async function newest(places, id, limit) {
  const rows = [];
  let cursor = await places.openCursor(placesOf(id), "prev");
  while (cursor && rows.length < limit) {
    rows.push(cursor.value);
    cursor = await cursor.continue();
  }
  return rows.reverse();
}
