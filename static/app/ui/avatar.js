import { html } from "htm/preact";
import { initials } from "app/core/format.js";
import { hueOf } from "app/core/select.js";
import { t } from "app/ui/strings.js";

/**
 * Initials on the colour of a person or group. The picture is decorative, the name stands beside it.
 * @param {{ id: string, name: string, size?: 20 | 30 | 32 | 36 | 44 | 64, group?: boolean, online?: boolean }} props
 */
export function Avatar({ id, name, size = 36, group = false, online = false }) {
  const classes = `avatar avatar-${size}${group ? " avatar-group" : ""}`;
  return html`<span class=${classes} data-hue=${hueOf(id)} aria-hidden="true">
    ${initials(name)}${online && html`<span class="presence" title=${t("row.online")}></span>`}
  </span>`;
}
