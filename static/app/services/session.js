/**
 * Who is signed in. The access token lives in memory only; the refresh token is an HttpOnly cookie
 * that this code never sees. Refreshing runs under a lock, so that two tabs don't use one refresh
 * token twice, and its result goes to the other tabs.
 *
 * @typedef {import("app/core/types.js").User} User
 * @typedef {"user" | "revoked" | "expired" | "elsewhere"} Reason
 * @typedef {{ access: string, access_expires_at: string, session: string, user: User }} Grant
 * @typedef {ReturnType<typeof createSession>} Session
 */
import { ApiError } from "app/core/errors.js";
import { lifetimeOf, RENEW_BEFORE } from "app/core/tokens.js";

/** The user of this browser, to show what is stored here while the server can't be reached. */
const USER_KEY = "pn.user";
/** A renewal that failed for now is tried again after this many ms. */
const RENEW_AGAIN = 5_000;

/**
 * @param {object} parts
 * @param {import("app/ports/types.js").Ports} parts.ports
 * @param {(user: User, session: string | null) => Promise<void>} parts.opened a user is here
 * @param {(reason: Reason, user: User) => Promise<void>} parts.closed and is not any more
 * @param {(access: string) => void} parts.renewed a fresh access token
 */
export function createSession({ ports: { api, clock, locks, storage }, opened, closed, renewed }) {
  /** @type {{ access: string, endsAt: number } | null} */
  let token = null;
  /** @type {User | null} */
  let user = null;
  /** @type {Promise<string> | null} */
  let refreshing = null;
  /** @type {() => void} */
  let cancelRenewal = () => {};
  /** @type {Set<(reason: Reason) => void>} */
  const listeners = new Set();
  const channel = locks.channel("pn-auth", hearOtherTab);
  api.useAuth({ accessToken, refresh });

  /** @param {{ type: string, grant?: Grant, user?: string }} message */
  function hearOtherTab(message) {
    if (message.type === "token" && message.grant && message.grant.user.id === user?.id) adopt(message.grant);
    if (message.type === "signed-out" && message.user === user?.id) void end("elsewhere");
  }

  /** @param {Grant} grant */
  function adopt({ access, access_expires_at: expires }) {
    const now = clock.now();
    const life = lifetimeOf(access) ?? Date.parse(expires) - now;
    token = { access, endsAt: now + life };
    cancelRenewal();
    cancelRenewal = clock.after(Math.max(RENEW_AGAIN, life - RENEW_BEFORE), renew);
    renewed(access);
  }

  function renew() {
    refresh().catch((error) => {
      if (error instanceof ApiError && error.temporary && user) {
        cancelRenewal = clock.after(RENEW_AGAIN, renew);
      }
    });
  }

  /** A token that is good for a while. Throws `ApiError`, temporary where the server is away. */
  async function accessToken() {
    if (token && token.endsAt - RENEW_BEFORE / 2 > clock.now()) return token.access;
    return refresh();
  }

  /** A new token, whatever the old one says. One request at a time over all tabs. */
  function refresh() {
    const before = token;
    refreshing ??= locks.run("pn-auth", () => refreshOnce(before)).finally(() => {
      refreshing = null;
    });
    return refreshing;
  }

  /** @param {typeof token} before the token when this was asked for */
  async function refreshOnce(before) {
    // While this tab waited for the lock, another one may have done it.
    if (token && token !== before) return token.access;
    /** @type {Grant} */
    let grant;
    try {
      grant = await api.request("POST", "auth/token/refresh/", { body: {}, auth: false });
    } catch (error) {
      if (error instanceof ApiError && !error.temporary) await end("expired");
      throw error;
    }
    if (user && grant.user.id !== user.id) {
      // Someone else signed in with this browser; nothing of theirs belongs into this page.
      await end("elsewhere");
      throw new ApiError({ status: 401, code: "unauthenticated", detail: "Somebody else signed in here." });
    }
    adopt(grant);
    channel.post({ type: "token", grant });
    await open(grant.user, grant.session);
    return grant.access;
  }

  /**
   * @param {User} next
   * @param {string | null} session
   */
  async function open(next, session) {
    if (user?.id === next.id) return;
    user = next;
    const { id, username, display_name, avatar } = next;
    storage.set(USER_KEY, JSON.stringify({ id, username, display_name, avatar }));
    await opened(next, session);
  }

  /** @param {Reason} reason */
  async function end(reason) {
    token = null;
    cancelRenewal();
    storage.remove(USER_KEY);
    const former = user;
    user = null;
    if (!former) return;
    await closed(reason, former);
    for (const listener of [...listeners]) listener(reason);
  }

  /**
   * @param {string} path
   * @param {object} body
   */
  async function enter(path, body) {
    /** @type {Grant | null} */
    const grant = await api.request("POST", path, { body: { ...body, cookie: true }, auth: false });
    if (grant !== null) await settle(grant);
    return grant !== null;
  }

  /** Somebody has come in. @param {Grant} grant */
  async function settle(grant) {
    if (user && user.id !== grant.user.id) await end("elsewhere");
    adopt(grant);
    await open(grant.user, grant.session);
  }

  return {
    accessToken,
    refresh,
    /**
     * False: not in yet, a link went to the address.
     * @param {{ username: string, email: string, password: string, display_name?: string, invitation?: string }} account
     */
    register: (account) => enter("auth/register/", account),
    /** What the page of that link sends. @param {{ token: string, password: string, username?: string }} proof */
    verify: (proof) => enter("auth/email/verify/", proof),
    /** @param {{ username: string, password: string, code?: string }} credentials `username` may be the e-mail */
    signIn: (credentials) => enter("auth/token/", credentials),

    /**
     * For an account that may not come in without a second factor: what its app needs.
     * @param {{ username: string, password: string }} credentials
     * @returns {Promise<import("./account.js").Enrolment>}
     */
    beginSetup: (credentials) => api.request("POST", "auth/second-factor/setup/", { body: credentials, auth: false }),
    /**
     * Turns it on. The recovery codes are shown once, so coming in waits for `enter`.
     * @param {{ username: string, password: string, code: string }} credentials
     */
    async finishSetup(credentials) {
      /** @type {Grant & { recovery_codes: string[] }} */
      const grant = await api.request("POST", "auth/second-factor/setup/confirm/", { body: { ...credentials, cookie: true }, auth: false });
      return { codes: grant.recovery_codes, enter: () => settle(grant) };
    },

    /** Whether somebody is signed in with this browser. Away from the server: whoever was last. */
    async resume() {
      try {
        await refresh();
        return true;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const remembered = error.temporary ? storage.get(USER_KEY) : null;
        if (remembered === null) return false;
        await open(JSON.parse(remembered), null);
        return true;
      }
    },

    /** Ends this session. Throws `ApiError` if the server can't be told; then nothing has changed. */
    async signOut() {
      const former = user;
      try {
        await api.request("POST", "auth/logout/", { body: {} });
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401) throw error;
      }
      if (former) channel.post({ type: "signed-out", user: former.id });
      await end("user");
    },

    /** The server said that this session is no more. */
    revoked: () => end("revoked"),
    /** The server doesn't take the token any more, whatever it says of itself. */
    invalidate() {
      token = null;
    },
    /** @param {(reason: Reason) => void} listener */
    onSignedOut(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
