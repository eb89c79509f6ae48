/**
 * @typedef {{ id: string, device: string, user_agent: string, address: string | null,
 *   created_at: string, last_used_at: string, expires_at: string, current: boolean }} Device
 */

/**
 * The person's own profile and password.
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {import("./store.js").Store} parts.store
 */
export function createProfile({ ports: { api }, store }) {
  return {
    /** With the e-mail address, which is kept nowhere. */
    read: () => api.request("GET", "users/me/"),
    /** @param {{ display_name: string }} change */
    async update(change) {
      const { id, username, display_name, avatar } = await api.request("PATCH", "users/me/", { body: change });
      const { session } = store.state.value;
      store.dispatch({ type: "local.user", user: { id, username, display_name, avatar }, session });
    },
    /** The other devices are signed out by it. @param {{ old_password: string, new_password: string }} passwords */
    async changePassword(passwords) {
      await api.request("POST", "auth/password/change/", { body: passwords });
    },
  };
}

/**
 * The devices on which this person is signed in.
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 */
export function createDevices({ ports: { api } }) {
  return {
    /** @returns {Promise<Device[]>} */
    async list() {
      /** @type {Device[]} */
      const devices = [];
      /** @type {string | null} */
      let next = "auth/sessions/";
      while (next !== null) {
        /** @type {{ results: Device[], next: string | null }} */
        const page = await api.request("GET", next);
        devices.push(...page.results);
        next = page.next;
      }
      return devices;
    },
    /** Signs one device out. @param {string} id */
    async end(id) {
      await api.request("DELETE", `auth/sessions/${id}/`);
    },
    /** Signs out all devices but this one. */
    async endOthers() {
      await api.request("POST", "auth/logout-all/", { body: { keep_current: true } });
    },
  };
}
