import { html } from "htm/preact";
import { Icon } from "app/ui/icon.js";
import { openOverlay } from "app/ui/router.js";
import { t } from "app/ui/strings.js";

function Art() {
  const pipe = "M-10 112H74a32 32 0 0 0 32-32V62a32 32 0 0 1 32-32h152";
  return html`<svg class="empty-art" viewBox="0 0 280 150" aria-hidden="true">
    <path d=${pipe} class="pipe-edge" /><path d=${pipe} class="pipe" />
    <rect x="140" y="12" width="9" height="36" rx="3" class="collar" /><rect x="40" y="94" width="9" height="36" rx="3" class="collar" />
    <rect x="188" y="19" width="60" height="22" rx="11" class="capsule" /><path class="wind" d="M160 25h18M154 35h20" />
  </svg>`;
}

/**
 * What stands where a conversation will: how to begin, or a word while none is picked.
 * @param {{ first: boolean }} props `first`: there is no conversation at all yet
 */
export function FirstRun({ first }) {
  return html`<div class="empty">
    <${Art} />
    <h2>${t(first ? "empty.first" : "empty.pick")}</h2>
    <p>${t(first ? "empty.first.body" : "empty.pick.body")}</p>
    <div class="empty-actions">
      <button class="button button-primary" type="button" onClick=${() => openOverlay("new")}><${Icon} name="square-pen" size=${18} />${t("list.new")}</button>
    </div>
  </div>`;
}
