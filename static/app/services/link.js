/**
 * One socket from hello to its end: the heartbeat, the round trip, and `sync`.
 *
 * @typedef {import("app/core/types.js").ServerEvent} ServerEvent
 * @typedef {ReturnType<typeof openLink>} Link
 */
import { median, speedState } from "app/core/connection.js";
import { eventsIn } from "app/core/frames.js";
import { gapsOf, versionsOf } from "app/core/store.js";

/** No open socket for this long: the attempt failed, ms. */
const OPEN_WITHIN = 10_000;
/** No welcome for this long after hello; where many come at once, each has to wait its turn, ms. */
const WELCOME_WITHIN = 30_000;
/** Between beats while a message waits for its acknowledgement, ms. */
const HURRIED_BEAT = 10_000;
/** An answer to a ping that was sent in doubt is due within, ms. */
const PROBE_WITHIN = 5_000;
/** A sync that brings no end for this long is given up, ms. */
const SYNC_WITHIN = 60_000;
/** A missing version is waited for this long before it is asked for, ms; then ever longer. */
export const GAP_PATIENCE = 300;
const GAP_PATIENCE_MOST = 10_000;
const PINGS = 5;

/**
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {import("./store.js").Store} parts.store
 * @param {string} parts.token
 * @param {() => void} parts.onWelcome commands may be sent
 * @param {() => void} parts.onSynced everything is here
 * @param {() => void} parts.onExpiring the token is about to end
 * @param {(code: number, heardAt: number | null) => void} parts.onClosed once
 */
export function openLink({ ports: { clock, socket }, store, token, onWelcome, onSynced, onExpiring, onClosed }) {
  let ended = false;
  let welcomed = false;
  /** A sync is under way: one at a time, or answers could not be told apart. */
  let syncing = false;
  let syncBegunAt = clock.now();
  let statesWanted = false;
  let silentBeats = 0;
  let gapRounds = 0;
  let beatEvery = 25_000;
  let beatDue = 0;
  /** @type {number | null} */
  let heardAt = null;
  /** @type {number[]} */
  let pings = [];
  let cancelWelcome = clock.after(OPEN_WITHIN, () => finish(1006));
  let cancelBeat = () => {};
  let cancelProbe = () => {};
  let cancelGap = () => {};
  const unsubscribe = store.onChange(watchGaps);

  const wire = socket.open({
    onOpen() {
      const { epoch } = store.state.value;
      send({ type: "hello", token, epoch, versions: versionsOf(store.state.value) });
      beginSync();
      cancelWelcome();
      cancelWelcome = clock.after(WELCOME_WITHIN, () => finish(1006));
    },
    onText: hear,
    onClose: finish,
  });

  /** @param {number} code */
  function finish(code) {
    if (ended) return;
    ended = true;
    for (const cancel of [cancelWelcome, cancelBeat, cancelProbe, cancelGap, unsubscribe]) cancel();
    wire.close();
    store.flush();
    onClosed(code, heardAt);
  }

  /** @param {import("app/core/types.js").Command} frame */
  function send(frame) {
    if (!ended) wire.send(JSON.stringify(frame));
  }

  /** @param {string} text */
  function hear(text) {
    if (ended) return;
    heardAt = clock.now();
    silentBeats = 0;
    cancelProbe();
    const events = eventsIn(text);
    if (events === null) return finish(1006); // Not our server, or a broken one: come back later.
    for (const event of events) {
      store.enqueue(event);
      notice(event);
    }
  }

  /** @param {ServerEvent} event */
  function notice(event) {
    if (event.type === "welcome") beginBeats(event.heartbeat);
    else if (event.type === "synced") endSync();
    else if (event.type === "pong") measure(event.t);
    else if (event.type === "auth.expiring") onExpiring();
    else if (event.type === "resync") requestSync({ states: true });
    else if (event.type === "error" && event.ref === "sync") endSync();
  }

  /** @param {number} seconds */
  function beginBeats(seconds) {
    cancelWelcome();
    welcomed = true;
    beatEvery = seconds * 1000;
    store.flush();
    scheduleBeat(beatEvery);
    onWelcome();
  }

  /** @param {number} ms */
  function scheduleBeat(ms) {
    cancelBeat();
    beatDue = clock.now() + ms;
    cancelBeat = clock.after(ms, beat);
  }

  function beat() {
    if (silentBeats >= 2) return finish(1006);
    silentBeats += 1;
    ping();
    // An answer that never ended must not stop all later ones.
    if (clock.now() - syncBegunAt > SYNC_WITHIN) syncing = false;
    requestSync({ states: false });
    const unacked = store.state.value.outbox.some((item) => item.state === "sending");
    scheduleBeat(unacked ? Math.min(beatEvery, HURRIED_BEAT) : beatEvery);
  }

  function ping() {
    send({ type: "ping", t: clock.now() });
  }

  /** @param {number | string | null | undefined} sentAt */
  function measure(sentAt) {
    if (typeof sentAt !== "number") return;
    pings = [...pings, clock.now() - sentAt].slice(-PINGS);
    store.flush();
    const { connection } = store.state.value;
    const rtt = median(pings);
    store.dispatch({ type: "local.connection", patch: { rtt, state: speedState(connection.state, rtt) } });
  }

  function beginSync() {
    syncing = true;
    syncBegunAt = clock.now();
  }

  function endSync() {
    const first = pings.length === 0;
    syncing = false;
    store.flush();
    if (first) ping();
    if (statesWanted) requestSync({ states: true });
    watchGaps();
    onSynced();
  }

  /**
   * Everything, so that even a lost last event arrives.
   * @param {{ states: boolean }} options `states`: positions and presence as well
   */
  function requestSync({ states }) {
    if (!welcomed) return;
    if (syncing) {
      statesWanted ||= states;
      return;
    }
    store.flush();
    statesWanted = false;
    beginSync();
    const { epoch } = store.state.value;
    send({ type: "sync", ref: "sync", epoch, versions: versionsOf(store.state.value), states });
    store.dispatch({ type: "local.sync_sent", states, conversations: null });
  }

  /** Asks for what is missing once it has been missing for long enough. */
  function watchGaps() {
    cancelGap();
    if (!welcomed || syncing || ended) return;
    const { conversations, orphans } = store.state.value;
    const since = [
      ...Object.values(conversations).map((conversation) => conversation.gapSince),
      ...Object.values(orphans).map((kept) => kept.since),
    ].filter((time) => time !== null);
    if (since.length === 0) {
      gapRounds = 0;
      return;
    }
    const patience = Math.min(GAP_PATIENCE * 2 ** gapRounds, GAP_PATIENCE_MOST);
    cancelGap = clock.after(Math.min(...since) + patience - clock.now(), () => askForGaps(patience));
  }

  /** @param {number} patience */
  function askForGaps(patience) {
    store.flush();
    const versions = gapsOf(store.state.value, clock.now(), patience);
    const conversations = Object.keys(versions);
    if (conversations.length === 0 || syncing) return watchGaps();
    gapRounds += 1;
    beginSync();
    const { epoch } = store.state.value;
    send({ type: "sync", ref: "sync", epoch, versions, partial: true });
    store.dispatch({ type: "local.sync_sent", states: false, conversations });
  }

  return {
    /**
     * @param {import("app/core/types.js").Command} frame
     * @returns {boolean} false: there is no welcome yet, or no socket any more
     */
    send(frame) {
      if (!welcomed || ended) return false;
      send(frame);
      return true;
    },
    /** In doubt whether the other side is still there. */
    probe() {
      if (!welcomed || ended) return;
      cancelProbe();
      cancelProbe = clock.after(PROBE_WITHIN, () => finish(1006));
      ping();
    },
    /** A message waits for its acknowledgement. */
    hurry() {
      if (welcomed && beatDue - clock.now() > HURRIED_BEAT) scheduleBeat(HURRIED_BEAT);
    },
    close: () => finish(1000),
  };
}
