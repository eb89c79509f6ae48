/**
 * Which changes of a conversation this device has: everything up to `known`, and single versions
 * above it in `ahead`. Both functions return new values and never move `known` backwards.
 *
 * @typedef {{ known: number, ahead: number[] }} Position
 */

/**
 * One change arrived live.
 * @param {Position} position
 * @param {number} version
 * @returns {Position}
 */
export function arrived({ known, ahead }, version) {
  if (version <= known || ahead.includes(version)) return { known, ahead };
  return closed(known, insert(ahead, version));
}

/**
 * The server said: up to `to` there is nothing else. A hole that it confirms is final.
 * @param {Position} position
 * @param {number} to
 * @returns {Position}
 */
export function confirmed({ known, ahead }, to) {
  const reached = Math.max(known, to);
  return closed(reached, ahead.filter((version) => version > reached));
}

/**
 * @param {number[]} ahead
 * @param {number} version
 */
function insert(ahead, version) {
  let at = ahead.length;
  while (at > 0 && ahead[at - 1] > version) at -= 1;
  return [...ahead.slice(0, at), version, ...ahead.slice(at)];
}

/**
 * Moves what follows `known` without a hole from `ahead` into it.
 * @param {number} known
 * @param {number[]} ahead ascending, all above `known`
 * @returns {Position}
 */
function closed(known, ahead) {
  let count = 0;
  while (count < ahead.length && ahead[count] === known + count + 1) count += 1;
  return { known: known + count, ahead: count === 0 ? ahead : ahead.slice(count) };
}
