/** A token is renewed this long before it ends, ms. */
export const RENEW_BEFORE = 30_000;

/**
 * How long an access token lives, in ms, by what it says of itself: independent of this device's
 * clock. null if it says nothing that can be understood.
 * @param {string} token a JWT
 * @returns {number | null}
 */
export function lifetimeOf(token) {
  const [, payload = ""] = token.split(".");
  try {
    const { iat, exp } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return Number.isFinite(exp - iat) ? (exp - iat) * 1000 : null;
  } catch {
    return null;
  }
}
