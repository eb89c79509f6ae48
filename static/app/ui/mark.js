import { html } from "htm/preact";

/** The mark: a letter P made of tube, with a capsule leaving it. */
export function Mark() {
  return html`<svg viewBox="0 0 48 48" aria-hidden="true">
    <path d="M14 29V17.5A11.5 11.5 0 1 1 25.5 29H22" fill="none" stroke="#FFFFFF" stroke-width="8.6" />
    <rect x="9.7" y="32" width="8.6" height="12.6" rx="4.3" fill="#E5A935" />
  </svg>`;
}

/** The mark on its dark tile. */
export function MarkTile() {
  return html`<span class="brand-mark"><${Mark} /></span>`;
}
