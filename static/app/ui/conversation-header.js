import { conversationList, membersOf, otherMember, titleOf } from "app/core/select.js";
import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { Avatar } from "app/ui/avatar.js";
import { isConnected } from "app/ui/connection-words.js";
import { useSelect } from "app/ui/context.js";
import { panelOpen, togglePanel } from "app/ui/details-state.js";
import { Icon } from "app/ui/icon.js";
import { shortCount } from "app/ui/rail.js";
import { t } from "app/ui/strings.js";
import { timeOf } from "app/ui/times.js";
import { isPhone } from "app/ui/use-media.js";
import { useElement } from "app/ui/use-element.js";

/** @typedef {import("app/core/types.js").State} State */

/**
 * The line under the name. Presence is never older than the connection.
 * @param {State} state @param {string} id
 */
function subtitle(state, id) {
  const conversation = state.conversations[id];
  const { connection } = state;
  const live = isConnected(connection);
  const stale = !live && connection.lastConnectedAt !== null ? t("conv.updated", { time: timeOf(connection.lastConnectedAt) }) : "";
  if (conversation.row.kind === "direct") {
    const other = otherMember(state, conversation);
    if (live && other && state.presence[other.user.id]) return t("conv.online");
    return stale || (other ? `@${other.user.username}` : t("conv.direct"));
  }
  const members = membersOf(conversation);
  if (stale) return `${t("conv.members", { n: members.length })} · ${stale}`;
  const online = live ? members.filter((member) => state.presence[member.user.id] || member.user.id === state.user?.id).length : 0;
  return online > 1 ? t("conv.members.online", { n: members.length, online }) : t("conv.members", { n: members.length });
}

/** @param {{ id: string }} props */
function BackLink({ id }) {
  const ref = useElement(HTMLAnchorElement);
  const others = useSelect((state) => conversationList(state, { filter: "unread", now: Date.now() }).filter((entry) => entry.id !== id).length, [id]);
  useEffect(() => ref.current?.focus({ preventScroll: true }), [id]);
  return html`<a class="icon-button" href="/" ref=${ref} aria-label=${others ? t("conv.back.unread", { n: others }) : t("conv.back")}>
    <${Icon} name="arrow-left" flip />
    ${others > 0 && html`<span class="count back-count" aria-hidden="true">${shortCount(others)}</span>`}
  </a>`;
}

/** @param {{ id: string }} props */
export function ConversationHeader({ id }) {
  const title = useSelect((state) => titleOf(state, state.conversations[id]), [id]);
  const sub = useSelect((state) => subtitle(state, id), [id]);
  const group = useSelect((state) => state.conversations[id].row.kind === "group", [id]);
  const otherId = useSelect((state) => otherMember(state, state.conversations[id])?.user.id ?? id, [id]);
  const online = useSelect((state) => isConnected(state.connection) && !group && state.presence[otherId] === true, [id, group, otherId]);
  return html`<header class="conversation-head">
    ${isPhone.value && html`<${BackLink} id=${id} />`}
    <div class="conversation-id">
      <${Avatar} id=${group ? id : otherId} name=${title} size=${isPhone.value ? 36 : 44} group=${group} online=${online} />
      <div class="truncate">
        ${isPhone.value && html`<h1 class="visually-hidden">${t("list.title")}</h1>`}
        <h2 class="conversation-title truncate"><bdi>${title}</bdi></h2>
        <p class="conversation-sub truncate">${sub}</p>
      </div>
    </div>
    <div class="conversation-actions">
      <button class="icon-button" type="button" aria-label=${t("conv.details")} title=${t("conv.details")} aria-pressed=${panelOpen.value} onClick=${togglePanel}>
        <${Icon} name="panel-right" flip />
      </button>
    </div>
  </header>`;
}
