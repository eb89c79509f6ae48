/**
 * Web Locks and BroadcastChannel: several tabs, one of them at a time. Browsers offer locks only
 * in secure contexts; without them every tab acts alone, and the protocol's ids make that safe.
 * @returns {import("./types.js").Locks}
 */
export function browserLocks() {
  const manager = navigator.locks ?? null;
  return {
    async run(name, work) {
      return manager ? manager.request(name, work) : work();
    },
    hold(name, onHeld) {
      if (!manager) {
        onHeld();
        return () => {};
      }
      const waiting = new AbortController();
      /** @type {() => void} */
      let release = () => waiting.abort();
      manager
        .request(name, { signal: waiting.signal }, () => new Promise((resolve) => {
          release = () => resolve(undefined);
          onHeld();
        }))
        .catch((error) => {
          if (error.name !== "AbortError") throw error;
        });
      return () => release();
    },
    channel(name, onMessage) {
      if (typeof BroadcastChannel === "undefined") return { post() {}, close() {} };
      const channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }) => onMessage(data);
      return { post: (message) => channel.postMessage(message), close: () => channel.close() };
    },
  };
}
