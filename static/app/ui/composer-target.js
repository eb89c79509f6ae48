/** What the message box is about besides new text: a reply, or a change of an earlier message. */
import { signal } from "@preact/signals";

/**
 * @typedef {{ kind: "reply", id: string, author: string, excerpt: string }
 *   | { kind: "edit", id: string, body: string, excerpt: string }
 *   | { kind: "edit-queued", id: string, body: string, excerpt: string }} Target
 */

/** Conversation id → its target; kept while the person looks elsewhere. */
export const targets = signal(/** @type {Record<string, Target>} */ ({}));

/** @param {string} conversation @param {Target | null} target */
export function setTarget(conversation, target) {
  const { [conversation]: _, ...others } = targets.value;
  targets.value = target ? { ...others, [conversation]: target } : others;
}

/** Puts the caret into the message box, if there is one. */
export function focusComposer() {
  requestAnimationFrame(() => document.getElementById("composer")?.focus());
}
