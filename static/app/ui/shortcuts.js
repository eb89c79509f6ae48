import { html } from "htm/preact";
import { Dialog } from "app/ui/dialog.js";
import { t } from "app/ui/strings.js";

/** What the keys do, by place: only keys that work. */
const GROUPS = /** @type {const} */ ([
  ["keys.move", [
    ["keys.jump", ["Ctrl", "K"]],
    ["keys.next", ["Alt", "↓", "↑"]],
    ["keys.unread", ["Alt", "Shift", "↓"]],
    ["keys.region", ["Ctrl", "F6"]],
    ["keys.read", ["Shift", "Esc"]],
    ["keys.list", ["Ctrl", "/"]],
  ]],
  ["keys.write", [
    ["keys.send", ["Enter"]],
    ["keys.newline", ["Shift", "Enter"]],
    ["keys.editlast", ["↑"]],
    ["keys.leave", ["Esc"]],
  ]],
  ["keys.message", [
    ["keys.around", ["↑", "↓"]],
    ["keys.ends", ["Home", "End"]],
    ["keys.reply", ["R"]],
    ["keys.edit", ["E"]],
    ["keys.copy", ["C"]],
    ["keys.delete", ["Del"]],
    ["keys.actions", ["Shift", "F10"]],
  ]],
]);

/** The list of the keyboard shortcuts. */
export function Shortcuts() {
  return html`<${Dialog} title=${t("keys.title")} size="wide" scrolls foot=${html`<span class="grow">${t("keys.note")}</span>`}>
    <div class="shortcuts">
      ${GROUPS.map(([title, keys]) => html`<section><h3>${t(title)}</h3><ul>
        ${keys.map(([name, parts]) => html`<li><span>${t(name)}</span><span>${parts.map((part) => html`<kbd>${part}</kbd> `)}</span></li>`)}
      </ul></section>`)}
    </div>
  <//>`;
}
