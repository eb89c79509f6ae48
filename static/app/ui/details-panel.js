import { canManage, membersOf, otherMember, titleOf } from "app/core/select.js";
import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { Avatar } from "app/ui/avatar.js";
import { confirm } from "app/ui/confirm-dialog.js";
import { isConnected } from "app/ui/connection-words.js";
import { useApp, useSelect } from "app/ui/context.js";
import { closePanel } from "app/ui/details-state.js";
import { Icon } from "app/ui/icon.js";
import { MemberLine } from "app/ui/member-row.js";
import { isMember } from "app/ui/message-commands.js";
import { navigate, openOverlay } from "app/ui/router.js";
import { t } from "app/ui/strings.js";
import { isWide } from "app/ui/use-media.js";
import { useElement } from "app/ui/use-element.js";

/** @typedef {import("app/services/app.js").App} App */

/** @param {App} app @param {string} id @param {string} title */
function askToLeave(app, id, title) {
  confirm({
    title: t("leave.sure", { name: title }),
    body: t("leave.body"),
    confirm: t("leave.confirm"),
    stay: t("leave.stay"),
    closes: false,
    action: async () => {
      await app.conversations.leave(id);
      navigate("/");
    },
  });
}

/** @param {{ id: string, title: string, manageable: boolean }} props */
function QuickActions({ id, title, manageable }) {
  const app = useApp();
  return html`<div class="quick">
    ${manageable && html`<button type="button" onClick=${() => openOverlay("add-people", { id })}><${Icon} name="user-plus" size=${18} />${t("panel.add")}</button>
      <button type="button" onClick=${() => openOverlay("rename", { id })}><${Icon} name="pencil" size=${18} />${t("panel.rename")}</button>`}
    <button type="button" onClick=${() => askToLeave(app, id, title)}><${Icon} name="log-out" size=${18} flip />${t("panel.leave")}</button>
  </div>`;
}

/** Who is in a conversation, and what may be changed about it. @param {{ id: string }} props */
export function DetailsPanel({ id }) {
  const app = useApp();
  const panel = useElement(HTMLElement);
  const conversation = useSelect((state) => state.conversations[id], [id]);
  const me = useSelect((state) => state.user?.id);
  const presence = useSelect((state) => state.presence);
  const live = useSelect((state) => isConnected(state.connection));
  useEffect(() => {
    if (!isWide.peek()) panel.current?.querySelector("button")?.focus({ preventScroll: true });
  }, []);
  if (!conversation) return null;
  const { row } = conversation;
  const group = row.kind === "group";
  const state = app.state.peek();
  const title = titleOf(state, conversation);
  const members = membersOf(conversation);
  const other = otherMember(state, conversation);
  const inside = isMember(app, id);
  const manageable = inside && group && canManage(conversation);
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || event.shiftKey || isWide.peek()) return;
    event.preventDefault();
    closePanel();
    document.getElementById("composer")?.focus();
  };
  return html`<aside class="panel" aria-label=${t("panel.title")} ref=${panel} onKeyDown=${onKeyDown}>
    <header class="panel-head">
      <h2>${t("panel.title")}</h2>
      <button class="icon-button" type="button" aria-label=${t("panel.close")} onClick=${closePanel}><${Icon} name="x" /></button>
    </header>
    <div class="pane-scroll panel-body" tabindex="0">
      <div class="who">
        <${Avatar} id=${group ? id : (other?.user.id ?? id)} name=${title} size=${64} group=${group} />
        <h3><bdi>${title}</bdi></h3>
        <p dir="auto">${group ? row.topic : other ? `@${other.user.username}` : ""}</p>
      </div>
      ${group && inside && html`<${QuickActions} id=${id} title=${title} manageable=${manageable} />`}
      <section class="panel-section">
        <h3>${t("conv.members", { n: members.length })}</h3>
        <ul>${members.map((member) => html`<${MemberLine} key=${member.user.id} member=${member} self=${member.user.id === me} mine=${row.me.role}
          online=${live && (presence[member.user.id] === true || member.user.id === me)} manageable=${manageable} />`)}</ul>
      </section>
    </div>
  </aside>`;
}
