import { html } from "htm/preact";
import { Icon } from "app/ui/icon.js";
import { openMessageMenu } from "app/ui/message-menu.js";
import { t } from "app/ui/strings.js";

/** @typedef {import("app/ui/message-commands.js").Command} Command */

/** @param {KeyboardEvent & { currentTarget: HTMLElement }} event */
function onKeyDown(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const direction = getComputedStyle(event.currentTarget).direction === "rtl" ? -step : step;
  const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
  event.preventDefault();
  event.stopPropagation();
  buttons[(at + direction + buttons.length) % buttons.length]?.focus();
}

/**
 * Reply and "more" above the message under the pointer or with the focus.
 * @param {{ commands: Command[] }} props
 */
export function MessageToolbar({ commands }) {
  const reply = commands.find((command) => command.name === "reply");
  /** @param {MouseEvent & { currentTarget: HTMLElement }} event */
  const onMore = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    openMessageMenu({ x: box.left, y: box.bottom + 4, commands, opener: event.currentTarget });
  };
  return html`<div class="toolbar" role="toolbar" aria-label=${t("msg.actions")} onKeyDown=${onKeyDown}>
    ${reply && html`<button class="icon-button icon-button-small" type="button" aria-label=${reply.label} title=${reply.label} onClick=${reply.run}>
      <${Icon} name=${reply.icon} size=${18} flip />
    </button>`}
    <button class="icon-button icon-button-small" type="button" aria-haspopup="menu" aria-label=${t("msg.more.actions")} title=${t("msg.more.actions")}
      tabindex=${reply ? -1 : 0} onClick=${onMore}>
      <${Icon} name="ellipsis" size=${18} />
    </button>
  </div>`;
}
