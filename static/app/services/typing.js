/** "Is typing" is renewed this often while somebody types, ms. */
export const NOTIFY_EVERY = 3_000;

/**
 * Says that this person is typing, and ends what others said when it was not renewed.
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {import("./store.js").Store} parts.store
 * @param {import("./sync.js").Sync} parts.sync
 */
export function createTyping({ ports: { clock }, store, sync }) {
  /** @type {Map<string, number>} conversation → when it was last said */
  const said = new Map();
  let cancelExpiry = () => {};

  store.onChange((next, before) => {
    if (next.conversations !== before.conversations) expire(next);
  });

  /** @param {import("app/core/types.js").State} state */
  function expire(state) {
    cancelExpiry();
    const ends = Object.values(state.conversations).flatMap(({ typing }) => Object.values(typing));
    if (ends.length === 0) return;
    cancelExpiry = clock.after(Math.min(...ends) - clock.now(), () => store.dispatch({ type: "local.tick" }));
  }

  return {
    /** A key was pressed in this conversation's composer. @param {string} conversation */
    notify(conversation) {
      const now = clock.now();
      if ((said.get(conversation) ?? -Infinity) + NOTIFY_EVERY > now) return;
      if (sync.send({ type: "typing", conversation, on: true })) said.set(conversation, now);
    },
    /** The text was sent or cleared, or the composer left. @param {string} conversation */
    stop(conversation) {
      if (said.delete(conversation)) sync.send({ type: "typing", conversation, on: false });
    },
    /** Forgets what was said: a message ends it on the other side. @param {string} conversation */
    sent: (conversation) => void said.delete(conversation),
  };
}
