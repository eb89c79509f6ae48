import { ApiError } from "app/core/errors.js";

const ROOT = "/api/v1/";

/**
 * REST with the access token; on 401 one refresh and one repetition.
 * @param {typeof fetch} send
 * @returns {import("./types.js").Api}
 */
export function restApi(send = (...args) => fetch(...args)) {
  /** @type {import("./types.js").ApiAuth | null} */
  let auth = null;

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} body
   * @param {string | null} token
   */
  async function once(method, path, body, token) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    try {
      return await send(pathOf(path), {
        method, headers, credentials: "same-origin",
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      throw new ApiError({ status: 0, code: "unavailable", detail: `The server can't be reached. ${String(error)}` });
    }
  }

  return {
    useAuth(given) {
      auth = given;
    },
    async request(method, path, { body, auth: withAuth = true } = {}) {
      if (!withAuth || auth === null) return answerOf(await once(method, path, body, null));
      let response = await once(method, path, body, await auth.accessToken());
      if (response.status === 401) response = await once(method, path, body, await auth.refresh());
      return answerOf(response);
    },
  };
}

/**
 * Pages of a list name the next one with the whole address: only its path counts.
 * @param {string} path
 */
function pathOf(path) {
  if (!/^[a-z]+:\/\//.test(path)) return ROOT + path;
  const { pathname, search } = new URL(path);
  return pathname + search;
}

/** @param {Response} response */
async function answerOf(response) {
  const text = await response.text();
  const body = parsed(text);
  if (!response.ok) throw problemOf(response, body);
  return body;
}

/** @param {string} text */
function parsed(text) {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null; // A proxy's HTML page; the status says what it means.
  }
}

/** @type {Record<number, string>} where something other than our server answered */
const CODES = { 401: "unauthenticated", 403: "forbidden", 404: "not_found", 413: "too_large", 429: "rate_limited" };

/**
 * @param {Response} response
 * @param {any} body
 */
function problemOf(response, body) {
  const header = Number(response.headers.get("Retry-After") ?? NaN);
  return new ApiError({
    status: response.status,
    code: body?.code ?? CODES[response.status] ?? (response.status >= 500 ? "unavailable" : "invalid"),
    detail: body?.detail ?? body?.title ?? `The server answered with ${response.status}.`,
    errors: body?.errors ?? {},
    retryAfter: body?.retry_after ?? (Number.isFinite(header) ? header : null),
    requestId: body?.request_id ?? response.headers.get("X-Request-Id"),
  });
}
