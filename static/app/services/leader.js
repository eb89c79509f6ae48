/**
 * Of a person's tabs in this browser, one writes the mirror and sends the outbox.
 * @typedef {ReturnType<typeof createLeader>} Leader
 */

/** A free lock is granted within this many ms; after it, another tab has it. */
const GRANTED_WITHIN = 50;

/** @param {Pick<import("app/ports/types.js").Ports, "locks" | "clock">} ports */
export function createLeader({ locks, clock }) {
  let leading = false;
  let release = () => {};
  /** @type {Set<() => void>} */
  const listeners = new Set();

  return {
    isLeader: () => leading,
    /** @param {() => void} listener this tab leads from now on */
    onGain: (listener) => listeners.add(listener),

    /**
     * Runs for the lead, and waits a moment for it: a tab that leads from the start knows that
     * nobody else writes what it is about to read.
     * @param {string} userId
     */
    enter(userId) {
      return new Promise((/** @type {(value: void) => void} */ resolve) => {
        const cancel = clock.after(GRANTED_WITHIN, resolve);
        let left = false;
        const giveUp = locks.hold(`pn-outbox:${userId}`, () => {
          if (left) return;
          leading = true;
          for (const listener of [...listeners]) listener();
          cancel();
          resolve();
        });
        release = () => {
          left = true;
          giveUp();
        };
      });
    },

    leave() {
      leading = false;
      release();
      release = () => {};
    },
  };
}
