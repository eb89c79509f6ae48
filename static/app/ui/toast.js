import { signal } from "@preact/signals";
import { html } from "htm/preact";
import { Icon } from "app/ui/icon.js";

const SHOWN_MS = 6000;
const current = signal(/** @type {{ text: string, icon: string } | null} */ (null));
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Shows a short note, one at a time. Never the only place of an error.
 * @param {string} text
 * @param {string} [icon]
 */
export function showToast(text, icon = "circle-check") {
  clearTimeout(timer);
  current.value = { text, icon };
  timer = setTimeout(() => { current.value = null; }, SHOWN_MS);
}

export function ToastRegion() {
  const toast = current.value;
  return html`<div class="toast-region" role="status">
    ${toast && html`<div class="toast"><${Icon} name=${toast.icon} /><span>${toast.text}</span></div>`}
  </div>`;
}
