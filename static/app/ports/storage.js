/**
 * localStorage, or a map where the browser refuses it.
 * @returns {import("./types.js").Storage_}
 */
export function browserStorage() {
  /** @type {Map<string, string>} */
  const memory = new Map();
  const local = available();
  return {
    get: (key) => (local ? local.getItem(key) : (memory.get(key) ?? null)),
    set(key, value) {
      try {
        if (local) local.setItem(key, value);
        else memory.set(key, value);
        return true;
      } catch {
        return false; // The quota is used up; the caller decides what that means.
      }
    },
    remove(key) {
      local?.removeItem(key);
      memory.delete(key);
    },
    keys: (prefix) => (local ? Object.keys(local) : [...memory.keys()]).filter((key) => key.startsWith(prefix)),
    onChange(callback) {
      /** @param {StorageEvent} event */
      const listener = ({ key, newValue }) => {
        if (key !== null) callback(key, newValue);
      };
      window.addEventListener("storage", listener);
      return () => window.removeEventListener("storage", listener);
    },
  };
}

/** @returns {Storage | null} */
function available() {
  try {
    return window.localStorage;
  } catch {
    return null; // Blocked by the browser's settings.
  }
}
