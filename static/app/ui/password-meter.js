import { html } from "htm/preact";
import { t } from "app/ui/strings.js";

export const PASSWORD_MIN = 12;

/** @param {string} password @returns {1 | 2 | 3 | 4} a word for its length; the server decides */
export function strengthOf(password) {
  const length = [...password].length;
  const varied = new Set(password).size;
  if (length < PASSWORD_MIN) return 1;
  if (varied < 6 || length < 14) return 2;
  return length < 20 ? 3 : 4;
}

/** @param {{ password: string }} props */
export function PasswordMeter({ password }) {
  const level = strengthOf(password);
  const n = [...password].length;
  return html`<div class="meter">
    <div class="meter-bars" aria-hidden="true">${[1, 2, 3, 4].map((bar) => html`<i class=${bar <= level && level > 1 ? "is-on" : ""}></i>`)}</div>
    <span><span class="visually-hidden">${t("register.strength")}: </span>${t(`register.strength.${level}`, { n })}</span>
  </div>`;
}
