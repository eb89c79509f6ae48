/**
 * The one state, as a signal. Frames of the socket are collected and applied once per painted
 * frame; what the user does is applied at once, after what was collected before it.
 *
 * @typedef {import("app/core/types.js").State} State
 * @typedef {import("app/core/types.js").StoreEvent} StoreEvent
 * @typedef {ReturnType<typeof createStore>} Store
 */
import { signal } from "@preact/signals";
import { emptyState, reduceAll } from "app/core/store.js";

/** @param {Pick<import("app/ports/types.js").Ports, "clock" | "random">} ports */
export function createStore({ clock, random }) {
  const state = signal(emptyState());
  /** @type {Set<(next: State, before: State) => void>} */
  const listeners = new Set();
  /** @type {[next: State, before: State][]} what the listeners are still to be told */
  const changes = [];
  /** @type {StoreEvent[]} */
  let queue = [];
  /** @type {(() => void) | null} */
  let cancelFrame = null;

  /** @param {StoreEvent[]} events */
  function apply(events) {
    const before = state.value;
    const next = reduceAll(before, events, clock.now(), () => random.fraction());
    state.value = next;
    changes.push([next, before]);
    if (changes.length > 1) return; // Whoever listens changed it again: told in order, below.
    while (changes.length > 0) {
      for (const listener of [...listeners]) listener(...changes[0]);
      changes.shift();
    }
  }

  function flush() {
    cancelFrame?.();
    cancelFrame = null;
    const events = queue;
    queue = [];
    if (events.length > 0) apply(events);
  }

  return {
    state,
    flush,
    /** @param {StoreEvent[]} events applied now, as one change */
    dispatch(...events) {
      flush();
      apply(events);
    },
    /** @param {StoreEvent} event applied with the next painted frame */
    enqueue(event) {
      queue.push(event);
      cancelFrame ??= clock.frame(flush);
    },
    /** @param {(next: State, before: State) => void} listener */
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
