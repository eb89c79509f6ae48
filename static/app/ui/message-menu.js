import { signal } from "@preact/signals";
import { html } from "htm/preact";
import { useLayoutEffect } from "preact/hooks";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";
import { useElement } from "app/ui/use-element.js";

/**
 * @typedef {import("app/ui/message-commands.js").Command} Command
 * @typedef {{ x: number, y: number, commands: Command[], opener: HTMLElement | null }} Menu
 */

const MARGIN = 8;
const menu = signal(/** @type {Menu | null} */ (null));

/** @param {Menu} next */
export function openMessageMenu(next) {
  if (next.commands.length > 0) menu.value = next;
}

/** @param {boolean} giveBack whether the opener gets the focus again */
function close(giveBack) {
  const { opener } = menu.value ?? { opener: null };
  menu.value = null;
  if (giveBack) opener?.focus({ preventScroll: true });
}

/** @param {KeyboardEvent & { currentTarget: HTMLElement }} event */
function onKeyDown(event) {
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const goal = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    close(true);
  } else if (event.key in goal) {
    event.preventDefault();
    event.stopPropagation();
    buttons.at(goal[event.key] % buttons.length)?.focus();
  }
}

/** Keeps the menu inside the window. @param {HTMLElement} element @param {Menu} at */
function place(element, at) {
  const { width, height } = element.getBoundingClientRect();
  const rtl = document.documentElement.dir === "rtl";
  const left = Math.max(MARGIN, Math.min(rtl ? at.x - width : at.x, innerWidth - width - MARGIN));
  const top = at.y + height + MARGIN > innerHeight ? Math.max(MARGIN, at.y - height - 44) : at.y;
  element.style.left = `${left}px`;
  element.style.top = `${top}px`;
}

/** The menu of one message, above everything. */
export function MessageMenu() {
  const current = menu.value;
  const ref = useElement(HTMLDivElement);
  useLayoutEffect(() => {
    if (!current || !ref.current) return;
    place(ref.current, current);
    ref.current.querySelector("button")?.focus();
  }, [current]);
  if (!current) return null;
  /** @param {Command} command */
  const run = (command) => {
    close(command.name === "copy" || command.name === "delete");
    command.run();
  };
  return html`<div class="menu-layer" onPointerDown=${(/** @type {PointerEvent} */ event) => { if (event.target === event.currentTarget) close(true); }}
      onContextMenu=${(/** @type {Event} */ event) => event.preventDefault()}>
    <div class="menu" role="menu" aria-label=${t("msg.actions")} ref=${ref} onKeyDown=${onKeyDown}>
      ${current.commands.map((command) => html`
        ${command.danger && html`<hr role="separator" />`}
        <button type="button" role="menuitem" tabindex="-1" class=${command.danger ? "menu-danger" : ""} onClick=${() => run(command)}>
          <${Icon} name=${command.icon} size=${18} flip=${command.flip} />${command.label}<kbd aria-hidden="true">${command.key}</kbd>
        </button>`)}
    </div>
  </div>`;
}
