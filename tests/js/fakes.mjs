// Ports without I/O: a clock that is moved by hand, sockets that the test answers, a scripted server.
import { ApiError } from "app/core/errors.js";
import { memoryDb } from "app/ports/memory-db.js";
import { ALICE, NOW } from "./world.mjs";

/** Lets every promise that can go on go on; a few rounds, for those that wait for each other. */
export async function settle() {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

export class FakeClock {
  time = NOW;
  /** @type {{ at: number, callback: () => void }[]} */
  #due = [];

  now = () => this.time;

  /** @param {number} ms @param {() => void} callback */
  after = (ms, callback) => {
    const entry = { at: this.time + Math.max(0, ms), callback };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((other) => other !== entry);
    };
  };

  /** @param {() => void} callback */
  frame = (callback) => this.after(16, callback);

  /** Runs what falls due within `ms`, in order. @param {number} ms */
  async advance(ms) {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const next = this.#due.reduce((/** @type {{ at: number, callback: () => void } | null} */ first, entry) =>
        (entry.at <= end && (!first || entry.at < first.at) ? entry : first), null);
      if (!next) break;
      this.time = Math.max(this.time, next.at);
      this.#due = this.#due.filter((entry) => entry !== next);
      next.callback();
    }
    this.time = end;
    await settle();
  }
}

export class FakeSocket {
  /** @type {any[]} */
  sent = [];
  closed = false;

  /** @param {import("app/ports/types.js").SocketHandlers} handlers */
  constructor(handlers) {
    this.handlers = handlers;
  }

  /** @param {string} text */
  send(text) {
    if (!this.closed) this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  open() {
    this.handlers.onOpen();
  }

  /** @param {...any} frames */
  receive(...frames) {
    for (const frame of frames) this.handlers.onText(JSON.stringify(frame));
  }

  /** The server closes. @param {number} code */
  drop(code) {
    this.closed = true;
    this.handlers.onClose(code);
  }

  /** @param {string} type */
  of(type) {
    return this.sent.filter((frame) => frame.type === type);
  }
}

/** Locks and channels of one browser with several tabs. */
export class FakeBrowser {
  /** @type {Map<string, (() => void)[]>} */
  #waiting = new Map();
  /** @type {Map<string, Set<(message: any) => void>>} */
  #channels = new Map();
  /** @type {Map<string, Promise<unknown>>} */
  #running = new Map();
  /** @type {Map<string, import("app/ports/types.js").Db>} */
  dbs = new Map();
  /** @type {Map<string, string>} */
  storage = new Map();

  /** @returns {import("app/ports/types.js").Locks} */
  locks() {
    return {
      run: (name, work) => {
        const before = this.#running.get(name) ?? Promise.resolve();
        const mine = before.then(work, work);
        this.#running.set(name, mine.catch(() => {}));
        return mine;
      },
      hold: (name, onHeld) => {
        const queue = this.#waiting.get(name) ?? [];
        this.#waiting.set(name, queue);
        queue.push(onHeld);
        if (queue[0] === onHeld) onHeld();
        return () => {
          const held = queue[0] === onHeld;
          queue.splice(queue.indexOf(onHeld), 1);
          if (held) queue[0]?.();
        };
      },
      channel: (name, onMessage) => {
        const listeners = this.#channels.get(name) ?? new Set();
        this.#channels.set(name, listeners);
        listeners.add(onMessage);
        return {
          post: (message) => {
            const copy = JSON.stringify(message);
            for (const listener of listeners) if (listener !== onMessage) queueMicrotask(() => listener(JSON.parse(copy)));
          },
          close: () => listeners.delete(onMessage),
        };
      },
    };
  }

  /** @param {string} userId */
  db(userId) {
    let db = this.dbs.get(userId);
    if (!db) {
      const made = memoryDb();
      db = { ...made, destroy: async () => void this.dbs.delete(userId) };
      this.dbs.set(userId, db);
    }
    return db;
  }
}

/** A token for five minutes. @param {string} [name] @param {number} [now] */
export function grant(name = "access-1", now = NOW) {
  return { access: name, access_expires_at: new Date(now + 300_000).toISOString(), session: "d0000000-0000-4000-8000-000000000001", user: ALICE };
}

/** One tab: its ports, and handles to play the world around it. */
export class FakeTab {
  clock = new FakeClock();
  /** @type {FakeSocket[]} */
  sockets = [];
  /** @type {{ method: string, path: string, body: any }[]} */
  requests = [];
  /** @type {Record<string, (body: any) => any>} path → answer, or a thrown ApiError */
  answers = {};
  online = true;
  visible = true;
  /** @type {(() => void)[]} */
  onReturn = [];
  /** @type {(() => void)[]} */
  onHide = [];
  fraction = 0.5;
  #ids = 0;
  /** @type {import("app/ports/types.js").ApiAuth | null} */
  auth = null;

  /** @param {FakeBrowser} [browser] @param {FakeClock} [clock] */
  constructor(browser = new FakeBrowser(), clock) {
    this.browser = browser;
    if (clock) this.clock = clock;
    let grants = 0;
    this.answers["auth/token/refresh/"] = () => grant(`access-${(grants += 1)}`, this.clock.time);
    this.answers["auth/logout/"] = () => null;
  }

  get socket() {
    return this.sockets[this.sockets.length - 1];
  }

  /** @param {number} status @param {string} code */
  static refusal(status, code) {
    return () => {
      throw new ApiError({ status, code, detail: code });
    };
  }

  /** @returns {import("app/ports/types.js").Ports} */
  ports() {
    const { storage } = this.browser;
    const tabNumber = (FakeTab.count += 1);
    return {
      clock: this.clock,
      socket: {
        open: (handlers) => {
          const socket = new FakeSocket(handlers);
          this.sockets.push(socket);
          return socket;
        },
      },
      api: {
        useAuth: (auth) => void (this.auth = auth),
        request: async (method, path, { body } = {}) => {
          this.requests.push({ method, path, body });
          const answer = this.answers[path];
          if (!answer) throw new Error(`No answer for ${method} ${path}`);
          await Promise.resolve();
          return answer(body);
        },
      },
      db: {
        open: async (userId) => this.browser.db(userId),
        destroy: async (userId) => void this.browser.dbs.delete(userId),
        persist: async () => true,
      },
      visibility: {
        visible: () => this.visible,
        online: () => this.online,
        onReturn: (callback) => (this.onReturn.push(callback), () => {}),
        onOffline: () => () => {},
        onHide: (callback) => (this.onHide.push(callback), () => {}),
      },
      locks: this.browser.locks(),
      storage: {
        get: (key) => storage.get(key) ?? null,
        set: (key, value) => (storage.set(key, value), true),
        remove: (key) => void storage.delete(key),
        keys: (prefix) => [...storage.keys()].filter((key) => key.startsWith(prefix)),
        onChange: () => () => {},
      },
      random: {
        uuid: () => `f000000${tabNumber % 10}-0000-4000-8000-${String((this.#ids += 1)).padStart(12, "0")}`,
        fraction: () => this.fraction,
      },
      page: { theme: () => "system", setTheme() {} },
    };
  }

  static count = 0;
}
