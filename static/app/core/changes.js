/**
 * @typedef {import("./types.js").State} State
 * @typedef {import("./types.js").Conversation} Conversation
 * @typedef {"members" | "messages" | "receipts" | "typing"} Part
 */

/**
 * A new state in the making: copies each part the first time it is written, so that a burst of
 * events copies a conversation once, and what didn't change keeps its identity (selectors and
 * the UI rely on that).
 */
export class Changes {
  /** @type {Set<unknown>} what was copied by this object and may be written in place */
  #own = new Set();

  /** @param {State} state never written */
  constructor(state) {
    /** @type {State} */
    this.state = { ...state };
  }

  /**
   * @template {"conversations" | "presence" | "orphans" | "drafts"} K
   * @param {K} key
   * @returns {State[K]} a map that may be written
   */
  map(key) {
    const current = this.state[key];
    if (this.#own.has(current)) return current;
    const copy = { ...current };
    this.#own.add(copy);
    this.state[key] = copy;
    return copy;
  }

  /**
   * @param {string} id of a conversation that exists
   * @returns {Conversation} an object whose own fields may be written; its maps by `part` only
   */
  conversation(id) {
    const current = this.state.conversations[id];
    if (this.#own.has(current)) return current;
    const copy = { ...current };
    this.#own.add(copy);
    this.map("conversations")[id] = copy;
    return copy;
  }

  /**
   * @template {Part} P
   * @param {string} id of a conversation that exists
   * @param {P} part
   * @returns {Conversation[P]} a map that may be written
   */
  part(id, part) {
    const conversation = this.conversation(id);
    const current = conversation[part];
    if (this.#own.has(current)) return current;
    const copy = { ...current };
    this.#own.add(copy);
    conversation[part] = copy;
    return copy;
  }

  /**
   * Puts a conversation that was not there, or replaces it wholly.
   * @param {Conversation} conversation
   */
  put(conversation) {
    this.map("conversations")[conversation.row.id] = conversation;
  }
}
