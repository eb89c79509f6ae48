import { html } from "htm/preact";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";

/** @typedef {import("app/core/timeline.js").Quote} Quote */

/**
 * What a message answers to; leads to the original. One line if that stands just above.
 * @param {{ quote: Quote, hue: number | undefined, onGo: (id: string) => void }} props
 */
export function MessageQuote({ quote, hue, onGo }) {
  if (quote.missing) {
    return html`<span class="quote"><span class="visually-hidden">${t("msg.reply.to")} </span>${t("msg.reply.gone")}</span>`;
  }
  if (quote.near) {
    return html`<button class="quote-short" type="button" onClick=${() => onGo(quote.id)}>
      <${Icon} name="corner-up-left" size=${14} flip /><span class="visually-hidden">${t("msg.reply.to")} </span><bdi>${quote.author}</bdi>
    </button>`;
  }
  return html`<button class="quote" type="button" data-hue=${hue} onClick=${() => onGo(quote.id)}>
    <span class="visually-hidden">${t("msg.reply.to")} </span><b><bdi>${quote.author}</bdi></b>
    <span class="truncate" dir="auto">${quote.deleted ? t("msg.deleted") : quote.body}</span>
  </button>`;
}
