/** Where nothing is painted (a hidden tab), a frame comes after this many ms. */
const HIDDEN_FRAME = 50;

/** @returns {import("./types.js").Clock} */
export function browserClock() {
  return {
    now: () => Date.now(),
    after(ms, callback) {
      const timer = setTimeout(callback, Math.max(0, ms));
      return () => clearTimeout(timer);
    },
    frame(callback) {
      // Browsers give hidden tabs no frames, and a tab can be hidden after it asked for one.
      let done = false;
      const once = () => {
        if (done) return;
        cancel();
        callback();
      };
      const cancel = () => {
        done = true;
        cancelAnimationFrame(frame);
        clearTimeout(timer);
      };
      const frame = requestAnimationFrame(once);
      const timer = setTimeout(once, HIDDEN_FRAME);
      return cancel;
    },
  };
}
