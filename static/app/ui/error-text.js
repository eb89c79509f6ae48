import { t } from "app/ui/strings.js";

/**
 * What went wrong, in words for the person: the server's own sentence when there is one.
 * @param {unknown} reason
 * @returns {string}
 */
export function errorText(reason) {
  const error = /** @type {{ status?: number, detail?: string } | null} */ (reason);
  if (!error || typeof error !== "object" || error.status === undefined) return t("error.network");
  if (error.status === 0) return t("error.network");
  return error.detail || t("error.load.body");
}

/**
 * The server's sentences for each field, empty when there are none.
 * @param {unknown} reason
 * @returns {Record<string, string>}
 */
export function fieldErrors(reason) {
  const errors = /** @type {{ errors?: Record<string, string[]> } | null} */ (reason)?.errors ?? {};
  return Object.fromEntries(Object.entries(errors).map(([field, texts]) => [field, [texts].flat().join(" ")]));
}
