/**
 * What is rare goes over REST; its result reaches every device as an event, this one too. What
 * the answer says already is shown at once.
 *
 * @typedef {import("app/core/types.js").User} User
 * @typedef {import("app/core/types.js").Role} Role
 */

/**
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {import("./store.js").Store} parts.store
 */
export function createConversations({ ports: { api, random }, store }) {
  /** @type {Map<string, Promise<boolean>>} pages of history that are on their way */
  const loading = new Map();

  /** @param {string} id */
  const pathOf = (id) => `conversations/${id}/`;

  /** @param {import("app/core/types.js").WireConversation} data */
  function adopt(data) {
    store.dispatch({ type: "local.row", data });
    return data.id;
  }

  /**
   * @param {string} id
   * @returns {Promise<boolean>} whether there is more
   */
  async function loadPage(id) {
    const conversation = store.state.value.conversations[id];
    const before = conversation?.oldestSeq ?? null;
    if (!conversation || before === null || !conversation.hasBefore) return false;
    const limit = store.state.value.limits?.page ?? 50;
    const page = await api.request("GET", `${pathOf(id)}messages/?before_seq=${before}&limit=${limit}`);
    const { results: messages, has_before } = page;
    store.dispatch({ type: "local.page", conversation: id, before, messages, has_before });
    return has_before;
  }

  return {
    /** All conversations by REST, for when there is no socket. */
    async list() {
      /** @type {string | null} */
      let next = "conversations/";
      while (next !== null) {
        /** @type {{ results: import("app/core/types.js").WireConversation[], next: string | null }} */
        const page = await api.request("GET", next);
        store.dispatch(...page.results.map((data) => ({ type: /** @type {const} */ ("local.row"), data })));
        next = page.next;
      }
    },

    /** The one direct conversation with this person. @param {string} user @returns {Promise<string>} its id */
    async openDirect(user) {
      return adopt(await api.request("POST", "conversations/direct/", { body: { user } }));
    },

    /**
     * @param {{ title: string, members: string[] }} group
     * @returns {Promise<string>} its id
     */
    async createGroup({ title, members }) {
      const body = { id: random.uuid(), kind: "group", title, members };
      return adopt(await api.request("POST", "conversations/", { body }));
    },

    /**
     * One more page of older messages.
     * @param {string} id
     * @returns {Promise<boolean>} whether there is still more
     */
    loadOlder(id) {
      let page = loading.get(id);
      if (!page) {
        page = loadPage(id).finally(() => loading.delete(id));
        loading.set(id, page);
      }
      return page;
    },

    /** @param {string} query @returns {Promise<User[]>} */
    async searchUsers(query) {
      if (query.trim() === "") return [];
      return (await api.request("GET", `users/?q=${encodeURIComponent(query.trim())}`)).results;
    },

    /** @param {string} id @param {string} title */
    async rename(id, title) {
      adopt(await api.request("PATCH", pathOf(id), { body: { title } }));
    },

    /** @param {string} id @param {string} user */
    async addMember(id, user) {
      const data = await api.request("POST", `${pathOf(id)}members/`, { body: { user } });
      if (data) store.dispatch({ type: "local.member", data });
    },

    /** @param {string} id @param {string} user */
    async removeMember(id, user) {
      await api.request("DELETE", `${pathOf(id)}members/${user}/`);
    },

    /** @param {string} id @param {string} user @param {Role} role */
    async setRole(id, user, role) {
      const data = await api.request("PATCH", `${pathOf(id)}members/${user}/`, { body: { role } });
      if (data) store.dispatch({ type: "local.member", data });
    },

    /** @param {string} id */
    async leave(id) {
      const me = store.state.value.user?.id;
      await api.request("DELETE", `${pathOf(id)}members/${me}/`);
      store.dispatch({ type: "conversation.removed", conversation: id });
    },

    /** @param {string} id @param {string} message @param {string} body */
    async editMessage(id, message, body) {
      const data = await api.request("PATCH", `${pathOf(id)}messages/${message}/`, { body: { body } });
      if (data) store.dispatch({ type: "local.message", data });
    },

    /** For everyone. @param {string} id @param {string} message */
    async deleteMessage(id, message) {
      await api.request("DELETE", `${pathOf(id)}messages/${message}/`);
    },
  };
}
