/**
 * @typedef {{ id: string, device: string, user_agent: string, address: string | null,
 *   created_at: string, last_used_at: string, expires_at: string, current: boolean }} Device
 */

/**
 * What an authenticator app needs, shown once; `qr` is a picture in a data: address.
 * @typedef {{ secret: string, uri: string, qr: string }} Enrolment
 * @typedef {{ enabled: boolean, since: string | null, recovery_codes_left: number }} SecondFactor
 */

/**
 * The second factor of whoever is signed in.
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 */
export function createSecondFactor({ ports: { api } }) {
  return {
    /** @returns {Promise<SecondFactor>} */
    read: () => api.request("GET", "auth/second-factor/"),
    /** @param {{ password: string }} proof @returns {Promise<Enrolment>} */
    begin: (proof) => api.request("POST", "auth/second-factor/", { body: proof }),
    /** The recovery codes, shown once. @param {{ code: string }} proof @returns {Promise<string[]>} */
    confirm: async (proof) => (await api.request("POST", "auth/second-factor/confirm/", { body: proof })).recovery_codes,
    /** New ones; the old are void. @param {{ password: string, code: string }} proof @returns {Promise<string[]>} */
    renewCodes: async (proof) => (await api.request("POST", "auth/second-factor/recovery-codes/", { body: proof })).recovery_codes,
    /** @param {{ password: string, code: string }} proof */
    disable: (proof) => api.request("POST", "auth/second-factor/disable/", { body: proof }),
  };
}

/**
 * A password that was forgotten: a link by e-mail, then a new one.
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 */
export function createRecovery({ ports: { api } }) {
  return {
    /** The answer is the same whether or not the address has an account. @param {string} email */
    request: (email) => api.request("POST", "auth/password/reset/", { body: { email }, auth: false }),
    /** @param {{ token: string, new_password: string }} change */
    finish: (change) => api.request("POST", "auth/password/reset/confirm/", { body: change, auth: false }),
  };
}

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
