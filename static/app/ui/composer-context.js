import { html } from "htm/preact";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";

/**
 * What the message box is about, above the text: a reply or a change.
 * @param {{ target: import("app/ui/composer-target.js").Target, onCancel: () => void }} props
 */
export function ComposerContext({ target, onCancel }) {
  const reply = target.kind === "reply";
  return html`<div class="composer-context">
    <${Icon} name=${reply ? "reply" : "pencil"} size=${18} flip=${reply} />
    <span class="quote">
      <b>${reply ? t("comp.replying", { name: target.author }) : t("comp.editing")}</b>
      <span class="truncate" dir="auto">${target.excerpt}</span>
    </span>
    <button class="icon-button icon-button-small" type="button" aria-label=${t(reply ? "comp.cancel.reply" : "comp.cancel.edit")} onClick=${onCancel}>
      <${Icon} name="x" size=${18} />
    </button>
  </div>`;
}
