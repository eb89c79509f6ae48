import { html } from "htm/preact";

/** @typedef {import("app/core/types.js").ConnectionState} ConnectionState */

const GLASS = { x: ".75", y: "2.75", width: "52.5", height: "10.5", rx: "5.25" };

function flying() {
  return html`<rect class="tube-glass" ...${GLASS} />
    <path class="tube-wind" d="M14 6.4h9M10 9.6h13" />
    <rect class="tube-capsule" x="27" y="4.6" width="15" height="6.8" rx="3.4" />`;
}

function slow() {
  return html`<rect class="tube-glass" ...${GLASS} />
    <path class="tube-wind" d="M9 8h4" />
    <rect class="tube-capsule" x="16" y="4.6" width="15" height="6.8" rx="3.4" />`;
}

function queue() {
  return html`<rect class="tube-glass" ...${GLASS} />
    ${[5, 19, 33].map((x) => html`<rect class="tube-capsule" x=${x} y="5" width="11" height="6" rx="3" />`)}`;
}

function gap() {
  return html`<path class="tube-outline" d="M22 2.75H6A5.25 5.25 0 0 0 6 13.25H22M34 2.75H48A5.25 5.25 0 0 1 48 13.25H34" />
    <rect class="tube-capsule" x="5" y="4.6" width="15" height="6.8" rx="3.4" />
    <path class="tube-outline" stroke-dasharray="2 2.6" d="M24 2.75h8M24 13.25h8" />`;
}

function broken() {
  return html`<path class="tube-outline" d="M20 2.75H6A5.25 5.25 0 0 0 6 13.25H20M36 2.75H48A5.25 5.25 0 0 1 48 13.25H36" />
    <rect class="tube-capsule tube-capsule-idle" x="4" y="4.6" width="15" height="6.8" rx="3.4" />`;
}

/** @type {Record<ConnectionState, () => import("preact").ComponentChild>} */
const DRAWINGS = {
  "connecting": queue,
  "connected": flying,
  "slow": slow,
  "reconnecting": gap,
  "trying": gap,
  "catching-up": queue,
  "offline": broken,
  "restarting": gap,
  "signed-out": broken,
  "stopped": broken,
};

/**
 * The tube: how the connection is, drawn. The words stand beside it.
 * @param {{ state: ConnectionState }} props
 */
export function Tube({ state }) {
  return html`<svg class="tube" viewBox="0 0 54 16" aria-hidden="true">${DRAWINGS[state]()}</svg>`;
}
