import { html } from "htm/preact";
import { Avatar } from "app/ui/avatar.js";
import { memo } from "app/ui/memo.js";
import { conversationPath } from "app/ui/router.js";
import { shortCount } from "app/ui/rail.js";
import { t } from "app/ui/strings.js";
import { Tick } from "app/ui/ticks.js";
import { listTime, today } from "app/ui/times.js";

/** @typedef {import("app/core/list.js").ListEntry} ListEntry */

/** @param {ListEntry} entry @param {boolean} current */
function previewOf(entry, current) {
  if (entry.typing.length > 0) {
    return html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span><span class="truncate row-typing">${t("row.typing")}</span>`;
  }
  if (entry.status === "failed") {
    return html`<span class="row-failed">${t("row.failed")}</span><span class="truncate" dir="auto">${entry.preview.text}</span>`;
  }
  if (entry.draft && !current) {
    return html`<span class="row-draft">${t("row.draft")}</span><span class="truncate" dir="auto">${entry.draft}</span>`;
  }
  const { kind, text, author, mine } = entry.preview;
  const words = kind === "deleted" ? t("msg.deleted") : text;
  const lead = mine && entry.kind === "group" ? t("row.you") : author && kind !== "system" ? `${author.split(" ")[0]}:` : "";
  return html`${entry.status && html`<${Tick} state=${entry.status} />`}
    <span class="truncate" dir="auto">${lead && html`<b>${lead}</b> `}${kind === "system" && author ? `${author} ${words}` : words}</span>`;
}

/** @param {{ entry: ListEntry, current: boolean, tabbable: boolean, place: number, size: number }} props */
function Row({ entry, current, tabbable, place, size }) {
  const shownTime = today.value && listTime(entry.time);
  return html`<li aria-setsize=${size} aria-posinset=${place}>
    <a class=${`row${entry.unread > 0 ? " row-unread" : ""}`} href=${conversationPath(entry.id)} data-conversation=${entry.id}
      aria-current=${current ? "page" : undefined} tabindex=${tabbable ? 0 : -1}>
      <${Avatar} id=${entry.otherId ?? entry.id} name=${entry.title} size=${44} group=${entry.kind === "group"} online=${entry.online} />
      <span>
        <span class="row-top">
          <bdi class="row-name truncate">${entry.title}</bdi>
          ${entry.online && html`<span class="visually-hidden">${t("row.online")}</span>`}
          <time class="row-time" datetime=${entry.time}>${shownTime}</time>
        </span>
        <span class="row-bottom">
          ${previewOf(entry, current)}
          ${entry.unread > 0 && html`<span class="count"><span aria-hidden="true">${shortCount(entry.unread)}</span><span class="visually-hidden">${t("row.unread", { n: entry.unread })}</span></span>`}
        </span>
      </span>
    </a>
  </li>`;
}

export const ChatRow = memo(Row);
