import { signal } from "@preact/signals";

/**
 * How this person likes it on this device.
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 */
export function createPreferences({ ports: { page, storage } }) {
  /** @type {import("@preact/signals").Signal<Record<string, unknown>>} */
  const ui = signal({});
  let key = "";

  return {
    ui,
    /** @returns {import("app/ports/types.js").Theme} */
    theme: () => page.theme(),
    /** @param {import("app/ports/types.js").Theme} theme */
    setTheme: (theme) => page.setTheme(theme),
    /** @param {Record<string, unknown>} patch */
    setUi(patch) {
      ui.value = { ...ui.value, ...patch };
      if (key) storage.set(key, JSON.stringify(ui.value));
    },
    /** @param {string} userId */
    open(userId) {
      key = `pn.ui.${userId}`;
      ui.value = parsed(storage.get(key));
    },
    close() {
      key = "";
      ui.value = {};
    },
  };
}

/**
 * @param {string | null} stored
 * @returns {Record<string, unknown>}
 */
function parsed(stored) {
  try {
    const value = stored === null ? null : JSON.parse(stored);
    return value !== null && typeof value === "object" ? value : {};
  } catch {
    return {}; // Written by something else: start anew.
  }
}
