/** When to try again: exponential with full jitter, so that a thousand clients don't return at once. */

export const FIRST = 500;
export const LONGEST = 30_000;
/** A draining server asks its clients to spread over this many ms. */
export const RESTART_SPREAD = 3_000;

/**
 * Milliseconds to wait before attempt number `attempt`, somewhere in [0, ceiling), where the
 * ceiling doubles from 0.5 s to 30 s.
 * @param {number} attempt 0 for the first repetition
 * @param {() => number} random uniform in [0, 1)
 */
export function delayFor(attempt, random) {
  return Math.floor(random() * ceilingFor(attempt));
}

/**
 * The longest wait before attempt number `attempt`, in ms.
 * @param {number} attempt
 */
export function ceilingFor(attempt) {
  return Math.min(LONGEST, FIRST * 2 ** Math.min(Math.max(0, attempt), 16));
}

/**
 * Milliseconds to wait after a server said that it restarts.
 * @param {() => number} random uniform in [0, 1)
 */
export function restartDelay(random) {
  return Math.floor(random() * RESTART_SPREAD);
}
