import { html } from "htm/preact";
import { t } from "app/ui/strings.js";

/** @typedef {import("app/core/types.js").DeliveryState} DeliveryState */

/** @param {DeliveryState} state */
function shape(state) {
  switch (state) {
    case "waiting":
    case "sending":
      return html`<svg class="tick tick-clock" viewBox="0 0 13 13" aria-hidden="true">
        <circle cx="6.5" cy="6.5" r="5.4" /><path d="M6.5 3.6v3.1l2 1.2" />
      </svg>`;
    case "sent":
      return html`<svg class="tick" viewBox="0 0 18 12" aria-hidden="true"><path d="M5 6.4 8 9.4 14 2.8" /></svg>`;
    case "delivered":
      return html`<svg class="tick" viewBox="0 0 18 12" aria-hidden="true">
        <path d="M1.6 6.4 4.6 9.4 10.6 2.8M8.2 9.2 8.4 9.4 15.6 2.8" />
      </svg>`;
    case "read":
      return html`<svg class="tick tick-read" viewBox="0 0 24 14" aria-hidden="true">
        <rect x="0" y="0" width="24" height="14" rx="7" />
        <path d="M5.2 7.2 7.8 9.8 13 4.2M11.6 9.7 11.7 9.8 17.6 4.2" />
      </svg>`;
    case "failed":
      return html`<svg class="tick tick-failed" viewBox="0 0 14 14" aria-hidden="true">
        <circle cx="7" cy="7" r="6" /><path d="M7 3.8v3.8M7 10.2v.1" />
      </svg>`;
  }
}

/**
 * The delivery mark of an own message, with its word for those who don't see it.
 * `quiet` leaves the drawing out but keeps the box and the word: the first 300 ms of sending.
 * @param {{ state: DeliveryState, quiet?: boolean }} props
 */
export function Tick({ state, quiet = false }) {
  return html`<span class="tick-box" data-state=${state}>${!quiet && shape(state)}</span>
    <span class="visually-hidden">${t(`status.${state}`)}</span>`;
}
