import { html } from "htm/preact";
import { Icon } from "app/ui/icon.js";
import { memo } from "app/ui/memo.js";
import { Message } from "app/ui/message.js";
import { t } from "app/ui/strings.js";
import { dayOf, fullTime, timeOf } from "app/ui/times.js";

/**
 * @typedef {import("app/core/timeline.js").MessageItem} MessageItem
 * @typedef {Extract<import("app/core/timeline.js").TimelineItem, { type: "system" }>} SystemItem
 * @typedef {{ count: number, since: string }} UnreadMark
 * @typedef {{ item: MessageItem | SystemItem, day: string | null, unread: UnreadMark | null, lost: number | null }} Entry
 *   A message with what stands above it: a feed may own articles only.
 */

/**
 * Folds day separators and the unread line into the message that follows them.
 * @param {import("app/core/timeline.js").TimelineItem[]} items
 * @param {number | null} lostAt when the connection was lost, if it still is
 * @returns {Entry[]}
 */
export function entriesOf(items, lostAt) {
  /** @type {Entry[]} */
  const entries = [];
  /** @type {string | null} */
  let day = null;
  /** @type {UnreadMark | null} */
  let unread = null;
  let lost = lostAt;
  for (const item of items) {
    if (item.type === "day") day = dayOf(item.at);
    else if (item.type === "unread") unread = { count: item.count, since: item.since };
    else {
      const queued = item.type === "message" && item.item !== null;
      entries.push({ item, day, unread, lost: queued ? lost : null });
      if (queued) lost = null;
      day = null;
      unread = null;
    }
  }
  return entries;
}

/** @param {UnreadMark} unread */
function unreadText({ count, since }) {
  if (count < 1) return t("unread.since", { time: timeOf(since) });
  return count === 1 ? t("unread.since", { time: timeOf(since) }) : t("unread.count", { n: count, time: timeOf(since) });
}

/** @param {{ item: SystemItem }} props */
function SystemLine({ item }) {
  const { id, created_at } = item.message;
  return html`<p class="system-line"><b id=${`a-${id}`}><bdi>${item.actor}</bdi></b> <span id=${`b-${id}`} dir="auto">${item.text}</span>
    ${" · "}<time datetime=${created_at} title=${fullTime(created_at)}>${timeOf(created_at)}</time></p>`;
}

/**
 * @param {Entry & {
 *   conversation: string, direct: boolean, tabbable: boolean, active: boolean, fresh: boolean,
 *   highlighted: boolean, size: number, onGo: (id: string) => void,
 * }} props
 */
function EntryView({ item, day, unread, lost, conversation, direct, tabbable, active, fresh, highlighted, size, onGo }) {
  const seq = item.message?.seq;
  const described = item.type === "message" && item.delivery ? `s-${item.key}` : undefined;
  return html`<article class=${`entry${active || tabbable ? " entry-active" : ""}`} data-key=${item.key} data-seq=${seq} tabindex=${tabbable ? 0 : -1}
      aria-labelledby=${`a-${item.key} b-${item.key}`} aria-describedby=${described} aria-posinset=${seq ?? size} aria-setsize=${size}>
    ${day && html`<h3 class="day"><span>${day}</span></h3>`}
    ${unread && html`<div class="unread-line"><h3>${unreadText(unread)}</h3></div>`}
    ${lost !== null && html`<p class="gap-line"><span><${Icon} name="wifi-off" size=${16} />${t("gap", { time: timeOf(lost) })}</span></p>`}
    ${item.type === "system"
      ? html`<${SystemLine} item=${item} />`
      : html`<${Message} item=${item} conversation=${conversation} direct=${direct} active=${active} fresh=${fresh} highlighted=${highlighted} onGo=${onGo} />`}
  </article>`;
}

export const EntryRow = memo(EntryView);
