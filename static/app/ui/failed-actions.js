import { html } from "htm/preact";
import { useApp } from "app/ui/context.js";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";

/** @typedef {import("app/core/types.js").OutboxItem} OutboxItem */

const KNOWN = new Set(["forbidden", "not_found", "conflict", "too_large"]);

/** Why the server refused a message, in words. @param {OutboxItem} item */
export function failureText(item) {
  if (item.code && KNOWN.has(item.code)) return t(`fail.${item.code}`);
  return item.reason ? t("fail.other", { reason: item.reason }) : t("fail.invalid");
}

/**
 * The row under a refused message: why, and the ways out.
 * @param {{ item: OutboxItem, onEdit: () => void }} props
 */
export function FailedActions({ item, onEdit }) {
  const app = useApp();
  return html`<div class="failed-actions">
    <span class="failed-reason" id=${`f-${item.id}`}><${Icon} name="circle-alert" size=${16} />${failureText(item)}</span>
    <button class="text-button" type="button" onClick=${() => app.outbox.retry(item.id)}>${t("fail.again")}</button>
    <button class="text-button" type="button" onClick=${onEdit}>${t("fail.edit")}</button>
    <button class="text-button text-button-danger" type="button" onClick=${() => app.outbox.remove(item.id)}>${t("fail.delete")}</button>
  </div>`;
}
