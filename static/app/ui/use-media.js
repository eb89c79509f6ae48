import { signal } from "@preact/signals";

/** @param {string} query */
function media(query) {
  const list = matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener("change", () => { matches.value = list.matches; });
  return matches;
}

/** One pane at a time and a tab bar. */
export const isPhone = media("(max-width: 39.9375em)");
/** Wide enough for the details to stand beside the conversation. */
export const isWide = media("(min-width: 80em)");
/** A finger, not a mouse: Enter makes a new line, opening a conversation pops up no keyboard. */
export const isCoarse = media("(pointer: coarse)");
/** The person asked for less motion. */
export const isCalm = media("(prefers-reduced-motion: reduce)");
