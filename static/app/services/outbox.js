/**
 * Sends what people write, in order, once, however often the connection breaks. A message is on
 * this device's disk before `send` resolves. The leading tab sends; the others hand over to it.
 *
 * @typedef {import("app/core/types.js").OutboxItem} OutboxItem
 * @typedef {import("app/core/types.js").State} State
 * @typedef {import("app/ports/types.js").Db} Db
 * @typedef {{ put: OutboxItem[] } | { remove: string }} Message
 */
import { AlreadySentError, StorageError } from "app/core/errors.js";
import * as machine from "app/core/outbox.js";

/**
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {import("./store.js").Store} parts.store
 * @param {import("./leader.js").Leader} parts.leader
 * @param {import("./sync.js").Sync} parts.sync
 */
export function createOutbox({ ports, store, leader, sync }) {
  const { clock, random, locks } = ports;
  /** @type {Db | null} */
  let db = null;
  /** @type {import("app/ports/types.js").Channel | null} */
  let channel = null;
  let lastN = 0;
  let askedToPersist = false;
  let cancelWake = () => {};
  /** Writes in the order in which they were decided. */
  let writing = Promise.resolve();

  store.onChange((next, before) => {
    if (next.outbox === before.outbox) return;
    if (leader.isLeader()) keep(before.outbox, next.outbox);
    pump();
  });
  sync.onWelcome(pump);
  leader.onGain(() => void takeOver());

  /** What may go now goes; what must wait is looked at again when its time has come. */
  function pump() {
    cancelWake();
    if (!db || !leader.isLeader()) return;
    const now = clock.now();
    for (const item of machine.nextToSend(store.state.value.outbox, now)) {
      const { id, conversation, body, reply_to } = item;
      if (!sync.send({ type: "message.send", ref: id, id, conversation, body, ...(reply_to && { reply_to }) })) return;
      sync.hurry();
      // Comes back here through `onChange`, where this item is not due any more.
      return store.dispatch({ type: "local.outbox.sending", id });
    }
    const wake = machine.wakeAt(store.state.value.outbox, now);
    if (wake !== null) cancelWake = clock.after(wake - now, pump);
  }

  /**
   * The leading tab's decisions go to the disk and to the other tabs.
   * @param {OutboxItem[]} before
   * @param {OutboxItem[]} after
   */
  function keep(before, after) {
    const old = new Map(before.map((item) => [item.id, item]));
    const left = new Set(after.map((item) => item.id));
    const changed = after.filter((item) => old.get(item.id) !== item);
    const gone = before.filter((item) => !left.has(item.id));
    const target = db;
    if (!target) return;
    write(async () => {
      if (changed.length > 0) await target.putOutbox(changed);
      for (const { id } of gone) await target.removeOutbox(id);
    });
    if (changed.length > 0) channel?.post({ put: changed });
    for (const { id } of gone) channel?.post({ remove: id });
  }

  /** @param {() => Promise<void>} work */
  function write(work) {
    writing = writing.then(work).catch((error) => {
      // The message itself was stored when it was queued; at worst it is sent again, under its id.
      console.warn("The outbox on this device could not be updated.", error);
    });
  }

  /** @param {Message} message from another tab */
  function hearOtherTab(message) {
    if ("remove" in message) return store.dispatch({ type: "local.outbox.remove", id: message.remove });
    const mine = new Map(store.state.value.outbox.map((item) => [item.id, item]));
    const late = message.put.map((item) => mine.get(item.id)).filter((item) => item && leader.isLeader() && !machine.editable(item));
    const items = message.put.filter((item) => !late.some((own) => own?.id === item.id));
    if (late.length > 0) channel?.post({ put: late }); // It is on its way already, as it was.
    if (items.length > 0) store.dispatch({ type: "local.outbox.put", items });
  }

  /** This tab leads now: what the former leader left on the disk is to be sent here. */
  async function takeOver() {
    const target = db;
    if (!target) return;
    const items = machine.disconnected(await target.outbox());
    if (db === target && items.length > 0) store.dispatch({ type: "local.outbox.put", items });
    pump();
  }

  /**
   * To the disk, then to the screen, then to whoever sends.
   * @param {OutboxItem} item
   */
  async function queue(item) {
    if (!db) throw new StorageError(new Error("Nobody is signed in."));
    try {
      await db.putOutbox([item]);
    } catch (error) {
      throw new StorageError(error);
    }
    store.dispatch({ type: "local.outbox.put", items: [item] });
    if (!leader.isLeader()) channel?.post({ put: [item] });
  }

  /** @param {string} id */
  async function discard(id) {
    await db?.removeOutbox(id);
    store.dispatch({ type: "local.outbox.remove", id });
    if (!leader.isLeader()) channel?.post({ remove: id });
  }

  /** @param {string} id */
  function find(id) {
    return store.state.value.outbox.find((item) => item.id === id);
  }

  /**
   * @param {OutboxItem} item that was refused or still waits
   * @param {Partial<OutboxItem>} change
   */
  async function requeue(item, change) {
    const next = { ...machine.again(item, random.uuid()), ...change };
    await queue(next);
    if (next.id !== item.id) await discard(item.id);
  }

  return {
    /**
     * @param {{ conversation: string, body: string, reply_to?: string | null }} message
     * @returns {Promise<string>} its id, once it is stored on this device. Throws `StorageError`.
     */
    async send({ conversation, body, reply_to = null }) {
      lastN = Math.max(lastN + 1, clock.now());
      const created_at = new Date(clock.now() + store.state.value.clockOffset).toISOString();
      const item = machine.newItem({ id: random.uuid(), conversation, body, reply_to, n: lastN, created_at });
      await queue(item);
      if (!askedToPersist) {
        askedToPersist = true;
        ports.db.persist().catch((error) => console.warn("Storage is not persistent here.", error));
      }
      return item.id;
    },

    /** A refused message goes again. @param {string} id */
    async retry(id) {
      const item = find(id);
      if (item?.state === "failed") await requeue(item, {});
    },

    /** @param {string} id */
    remove: discard,

    /**
     * Another text for a message that the server can't have yet. Throws `AlreadySentError`.
     * @param {string} id
     * @param {string} body
     */
    async edit(id, body) {
      const item = find(id);
      if (!item || !machine.editable(item)) throw new AlreadySentError();
      await requeue(item, { body });
    },

    /**
     * @param {Db} opened
     * @param {string} userId
     * @returns {Promise<OutboxItem[]>} what waits on this device
     */
    async restore(opened, userId) {
      const items = machine.disconnected(machine.merged([], await opened.outbox()));
      lastN = items.reduce((n, item) => Math.max(n, item.n), 0);
      db = opened;
      channel = locks.channel(`pn-outbox:${userId}`, hearOtherTab);
      return items;
    },

    async close() {
      cancelWake();
      channel?.close();
      channel = null;
      db = null;
      await writing;
    },
  };
}
