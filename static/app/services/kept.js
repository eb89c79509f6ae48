/**
 * What stays on this device after the server ended a session: unsent messages and drafts, which
 * go out when their author signs in again, or are removed on request.
 *
 * @typedef {import("app/core/types.js").User} User
 */

const LAST_KEY = "pn.last";

/**
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {ReturnType<typeof import("./drafts.js").createDrafts>} parts.drafts
 */
export function createKept({ ports, drafts }) {
  const { storage } = ports;

  /** @returns {Pick<User, "id" | "username" | "display_name"> | null} */
  function last() {
    const stored = storage.get(LAST_KEY);
    return stored === null ? null : JSON.parse(stored);
  }

  /** @param {string} userId */
  function drop(userId) {
    drafts.forget(userId);
    storage.remove(`pn.ui.${userId}`);
    if (last()?.id === userId) storage.remove(LAST_KEY);
  }

  return {
    /** @param {User} user */
    remember({ id, username, display_name }) {
      storage.set(LAST_KEY, JSON.stringify({ id, username, display_name }));
    },
    drop,

    /** Whose data is here, and how much of it was never sent; null: nobody's. */
    async summary() {
      const user = last();
      if (user === null) return null;
      const db = await ports.db.open(user.id);
      const waiting = (await db.outbox()).length;
      db.close();
      return { user, waiting, drafts: Object.keys(drafts.all(user.id)).length };
    },

    /** Removes the last user's data from this device. Only while nobody is signed in. */
    async forget() {
      const user = last();
      if (user === null) return;
      await ports.db.destroy(user.id);
      drop(user.id);
    },
  };
}
