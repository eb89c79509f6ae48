import { html } from "htm/preact";
import { t } from "app/ui/strings.js";

const PIPES = [
  "M-40 690H150a70 70 0 0 0 70-70V330a70 70 0 0 1 70-70H470a70 70 0 0 0 70-70V-40",
  "M820 470H640a70 70 0 0 0-70 70v120a70 70 0 0 1-70 70H380a70 70 0 0 0-70 70v160",
  "M-40 150H60a60 60 0 0 1 60 60v250a60 60 0 0 0 60 60H420a60 60 0 0 1 60 60v40a60 60 0 0 0 60 60H820",
];

/** Collars: x, y, and whether the tube runs upright there. */
const COLLARS = /** @type {const} */ ([
  [197, 474, true], [354, 237, false], [517, 74, true], [97, 324, true], [294, 497, false], [684, 447, false],
  [547, 594, true], [434, 707, false], [287, 854, true], [654, 657, false], [64, 667, false],
]);

const LINES = "M-14-4.5h26M-14 4.5h17";
const DOTS = "M-9 0h.1M0 0h.1M9 0h.1";
const CHECK = "M-8 0.5-2.5 6 8.5-5.5";

/** @param {{ at: string, drawing: string, dots?: boolean }} props */
function Capsule({ at, drawing, dots = false }) {
  return html`<g transform=${at}>
    <path d="M-74-7h22M-82 4h26" class="wind" />
    <rect x="-38" y="-14" width="76" height="28" rx="14" class="capsule" />
    <rect x="-38" y="-14" width="15" height="28" rx="7" class="capsule-end" />
    <rect x="23" y="-14" width="15" height="28" rx="7" class="capsule-end" />
    <path d=${drawing} class=${`capsule-line${dots ? " capsule-dots" : ""}`} />
  </g>`;
}

/** The tubes beside the forms. */
export function AuthArt() {
  return html`<aside class="auth-art">
    <svg class="art" viewBox="0 0 720 900" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      ${PIPES.map((d) => ["pipe-edge", "pipe", "pipe-shine"].map((name) => html`<path d=${d} class=${name} />`))}
      ${COLLARS.map(([x, y, upright]) => html`<rect x=${x} y=${y} width=${upright ? 46 : 12} height=${upright ? 12 : 46} rx="3.5" class="collar" />`)}
      <${Capsule} at="translate(445 260)" drawing=${LINES} />
      <${Capsule} at="translate(220 395) rotate(-90)" drawing=${DOTS} dots />
      <${Capsule} at="translate(585 680)" drawing=${CHECK} />
      <${Capsule} at="translate(395 520)" drawing=${LINES} />
    </svg>
    <p class="auth-say"><b>${t("auth.say.head")}</b> ${t("auth.say.body")}</p>
  </aside>`;
}
