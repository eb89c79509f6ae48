/**
 * Keeps one socket up: attempts, backoff, and the words for it. The socket alone decides them.
 *
 * @typedef {ReturnType<typeof createSync>} Sync
 * @typedef {import("./link.js").Link} Link
 */
import { delayFor, restartDelay } from "app/core/backoff.js";
import { OFFLINE_AFTER, planFor } from "app/core/connection.js";
import { openLink } from "app/services/link.js";

/** A connection that lasted this long makes the next wait short again, ms. */
const STABLE = 10_000;

/**
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {import("./store.js").Store} parts.store
 * @param {import("./session.js").Session} parts.session
 */
export function createSync({ ports, store, session }) {
  const { clock, random, visibility } = ports;
  let wanted = false;
  let trying = false;
  let round = 0;
  /** @type {Link | null} */
  let link = null;
  let attempt = 0;
  let failures = 0;
  let refreshed = false;
  /** @type {number | null} */
  let readyAt = null;
  /** @type {number | null} */
  let retryAt = null;
  let cancelRetry = () => {};
  /** @type {Set<() => void>} */
  const welcomed = new Set();
  /** @type {Set<() => void>} */
  const synced = new Set();

  visibility.onReturn(() => (link ? link.probe() : tryNow()));
  visibility.onOffline(() => {
    // The browser's word is a hint; whether the socket still answers is what counts.
    if (link) link.probe();
    else if (wanted) patch({ state: "offline" });
  });

  /** @param {Partial<import("app/core/types.js").Connection>} change */
  function patch(change) {
    store.dispatch({ type: "local.connection", patch: change });
  }

  function connect() {
    if (wanted) return;
    wanted = true;
    attempt = 0;
    failures = 0;
    refreshed = false;
    void tryOnce("connecting");
  }

  function disconnect() {
    wanted = false;
    round += 1;
    trying = false;
    forgetRetry();
    const former = link;
    link = null;
    former?.close();
    if (former) patch({ state: "offline", retryAt: null });
  }

  function tryNow() {
    if (wanted) void tryOnce("trying");
  }

  /** @param {"connecting" | "trying"} words */
  async function tryOnce(words) {
    if (link || trying) return;
    trying = true;
    const mine = (round += 1);
    patch({ state: words });
    let token;
    try {
      token = await session.accessToken();
    } catch (error) {
      if (mine === round && wanted) fail(error);
      return;
    }
    if (mine !== round || !wanted) return;
    trying = false;
    readyAt = null;
    const opened = openLink({
      ports, store, token,
      onWelcome() {
        failures = 0;
        forgetRetry();
        for (const listener of welcomed) listener();
      },
      onSynced() {
        readyAt ??= clock.now();
        refreshed = false;
        for (const listener of synced) listener();
      },
      onExpiring() {
        session.refresh().catch(() => {}); // The close that follows is handled; nothing is lost.
      },
      onClosed(code, heardAt) {
        if (link === opened) closed(code, heardAt);
        else gone(code, heardAt);
      },
    });
    link = opened;
  }

  /**
   * The token could not be had. If the session is over, whoever ended it has stopped us already.
   * @param {unknown} error
   */
  function fail(error) {
    trying = false;
    failures += 1;
    retry(delayFor(attempt, () => random.fraction()), null);
    if (!(error && typeof error === "object" && "temporary" in error)) throw error;
  }

  /**
   * @param {number} code
   * @param {number | null} heardAt
   */
  function gone(code, heardAt) {
    const patched = heardAt === null ? {} : { lastConnectedAt: heardAt };
    store.dispatch({ type: "local.disconnected", patch: { closeCode: code, ...patched } });
  }

  /**
   * @param {number} code
   * @param {number | null} heardAt
   */
  function closed(code, heardAt) {
    link = null;
    gone(code, heardAt);
    if (readyAt !== null && clock.now() - readyAt >= STABLE) attempt = 0;
    if (readyAt === null) failures += 1;
    if (!wanted) return;
    switch (planFor(code)) {
      case "signed-out":
        return void session.revoked();
      case "stop":
        wanted = false;
        forgetRetry();
        return patch({ state: "stopped", retryAt: null });
      case "restart":
        return retry(restartDelay(() => random.fraction()), "restarting");
      case "refresh":
        return renewed();
      default:
        return retry(delayFor(attempt, () => random.fraction()), null);
    }
  }

  /** The server refused the token: a new one, once; if that is refused as well, not so fast. */
  function renewed() {
    session.invalidate();
    if (refreshed) return retry(delayFor(attempt, () => random.fraction()), null);
    refreshed = true;
    void tryOnce("trying");
  }

  /**
   * The next attempt. One that is due already stays as it was: an attempt in between, asked for
   * by the user, makes the countdown neither longer nor shorter.
   * @param {number} delay ms
   * @param {"restarting" | null} words
   */
  function retry(delay, words) {
    if (retryAt === null || retryAt <= clock.now()) {
      cancelRetry();
      attempt += 1;
      retryAt = clock.now() + delay;
      cancelRetry = clock.after(delay, () => {
        retryAt = null;
        tryNow();
      });
    }
    const offline = !visibility.online() || failures >= OFFLINE_AFTER;
    patch({ state: words ?? (offline ? "offline" : "reconnecting"), retryAt });
  }

  function forgetRetry() {
    cancelRetry();
    retryAt = null;
  }

  return {
    connect,
    disconnect,
    tryNow,
    /** Sends a frame. @param {import("app/core/types.js").Command} frame @returns {boolean} false: there is no socket to send it on */
    send: (frame) => link?.send(frame) ?? false,
    /** A message waits for its acknowledgement: look after the socket more closely. */
    hurry: () => link?.hurry(),
    /** @param {() => void} listener commands may be sent from now on */
    onWelcome: (listener) => welcomed.add(listener),
    /** @param {() => void} listener a sync has ended */
    onSynced: (listener) => synced.add(listener),
  };
}
