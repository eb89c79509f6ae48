import { html } from "htm/preact";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";

/**
 * What waits out of view: newer messages below, unread ones above. One pill per direction.
 * @param {{
 *   atEnd: boolean, fresh: number, above: number,
 *   onEnd: () => void, onAbove: () => void, onReadAll: () => void,
 * }} props
 */
export function TimelinePills({ atEnd, fresh, above, onEnd, onAbove, onReadAll }) {
  return html`
    ${above > 0 && html`<div class="pills pills-top"><div class="pill-group">
      <button class="pill" type="button" onClick=${onAbove}><${Icon} name="arrow-up" size=${16} />${t("pill.above", { n: above })}</button>
      <button class="pill" type="button" onClick=${onReadAll}><${Icon} name="check" size=${16} />${t("pill.read")}</button>
    </div></div>`}
    ${!atEnd && html`<div class="pills">
      <button class="pill" type="button" onClick=${onEnd}>
        <${Icon} name="arrow-down" size=${16} />
        ${fresh > 0 ? html`<span class="count">${fresh}</span> ${t("pill.new", { n: fresh })}` : t("pill.latest")}
      </button>
    </div>`}`;
}
