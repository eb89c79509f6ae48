/** Longest part of a draft that the list of conversations shows, characters. */
const SHOWN = 100;
/** The list follows the typing this much later, ms: it need not change with every key. */
const SHOW_AFTER = 300;

/**
 * Unsent texts, in localStorage because that is written before the call returns: a page that is
 * closed this moment loses nothing.
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {import("./store.js").Store} parts.store
 */
export function createDrafts({ ports: { clock, storage }, store }) {
  /** @type {Map<string, () => void>} */
  const showing = new Map();

  /** @param {string | undefined} userId */
  const prefixOf = (userId) => `pn.draft.${userId}.`;
  const prefix = () => prefixOf(store.state.value.user?.id);

  storage.onChange((key, value) => {
    if (store.state.value.user && key.startsWith(prefix())) show(key.slice(prefix().length), textIn(value));
  });

  /** @param {string} conversation @param {string} text */
  function show(conversation, text) {
    store.dispatch({ type: "local.draft", conversation, text: text.slice(0, SHOWN) });
  }

  /** @param {string} conversation @param {string} text */
  function showSoon(conversation, text) {
    showing.get(conversation)?.();
    showing.delete(conversation);
    if (text === "") return show(conversation, text);
    showing.set(conversation, clock.after(SHOW_AFTER, () => {
      showing.delete(conversation);
      show(conversation, text);
    }));
  }

  return {
    /** @param {string} conversation */
    get: (conversation) => textIn(storage.get(prefix() + conversation)),

    /**
     * @param {string} conversation
     * @param {string} text empty: there is none
     * @returns {boolean} false: this device could not keep it
     */
    set(conversation, text) {
      if (text.trim() === "") storage.remove(prefix() + conversation);
      else if (!storage.set(prefix() + conversation, JSON.stringify({ text, at: clock.now() }))) return false;
      showSoon(conversation, text.trim());
      return true;
    },

    /** @param {string} userId @returns {Record<string, string>} conversation → its draft's beginning */
    all(userId) {
      const keys = storage.keys(prefixOf(userId));
      return Object.fromEntries(keys.map((key) =>
        [key.slice(prefixOf(userId).length), textIn(storage.get(key)).slice(0, SHOWN)]));
    },

    /** @param {string} userId */
    forget(userId) {
      for (const key of storage.keys(prefixOf(userId))) storage.remove(key);
    },

    close() {
      for (const cancel of showing.values()) cancel();
      showing.clear();
    },
  };
}

/** @param {string | null} stored */
function textIn(stored) {
  if (stored === null) return "";
  try {
    const { text } = JSON.parse(stored);
    return typeof text === "string" ? text : "";
  } catch {
    return ""; // Written by something else; a draft it is not.
  }
}
