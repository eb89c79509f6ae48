/**
 * What a closed socket means, and what the round trip says. Pure.
 *
 * @typedef {import("./types.js").ConnectionState} ConnectionState
 * @typedef {"retry" | "restart" | "refresh" | "signed-out" | "stop"} Plan
 */

/** Median round trip above which the connection counts as slow, and below which it doesn't any more, ms. */
export const SLOW_ABOVE = 300;
export const SLOW_BELOW = 200;
/** Failed attempts in a row after which the words are "You're offline". */
export const OFFLINE_AFTER = 3;

/**
 * What to do after the socket closed with this code (protocol §3.4).
 * @param {number} code
 * @returns {Plan}
 */
export function planFor(code) {
  if (code === 1012 || code === 1013 || code === 4012) return "restart";
  if (code === 4401) return "refresh";
  if (code === 4501) return "signed-out";
  // Larger than the server program itself takes: the same frame would be refused again.
  if (code === 1009) return "stop";
  return code >= 4500 && code < 4600 ? "stop" : "retry";
}

/**
 * @param {number[]} samples
 * @returns {number | null}
 */
export function median(samples) {
  if (samples.length === 0) return null;
  const ordered = [...samples].sort((a, b) => a - b);
  const middle = ordered.length >> 1;
  return ordered.length % 2 === 1 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2;
}

/**
 * Connected or slow, with a dead zone in between so that the words don't flicker.
 * @param {ConnectionState} state
 * @param {number | null} rtt
 * @returns {ConnectionState}
 */
export function speedState(state, rtt) {
  if (rtt === null) return state;
  if (state === "connected" && rtt > SLOW_ABOVE) return "slow";
  return state === "slow" && rtt < SLOW_BELOW ? "connected" : state;
}
