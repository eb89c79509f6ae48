import { html } from "htm/preact";
import { Avatar } from "app/ui/avatar.js";
import { useApp } from "app/ui/context.js";
import { confirm } from "app/ui/confirm-dialog.js";
import { errorText } from "app/ui/error-text.js";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";
import { showToast } from "app/ui/toast.js";

/**
 * @typedef {import("app/core/types.js").MemberRow} MemberRow
 * @typedef {import("app/core/types.js").Role} Role
 */

/** What I may do with a member. @param {Role} mine @param {MemberRow} member @param {boolean} self */
function powers(mine, member, self) {
  if (self || mine === "member") return { roles: /** @type {Role[]} */ ([]), remove: false };
  if (mine === "owner") return { roles: /** @type {Role[]} */ (["owner", "admin", "member"]), remove: true };
  return { roles: member.role === "owner" ? [] : /** @type {Role[]} */ (["admin", "member"]), remove: member.role === "member" };
}

/** @param {{ role: Role }} props */
function RoleTag({ role }) {
  if (role === "member") return null;
  return html`<span class=${`tag ${role === "owner" ? "tag-brass" : "tag-primary"}`}>${t(`role.${role}`)}</span>`;
}

/**
 * One member: presence, role, and for owners and admins what they may change.
 * @param {{ member: MemberRow, self: boolean, online: boolean, mine: Role, manageable: boolean }} props
 */
export function MemberLine({ member, self, online, mine, manageable }) {
  const app = useApp();
  const { user, conversation, role } = member;
  const name = user.display_name;
  const { roles, remove } = manageable ? powers(mine, member, self) : { roles: [], remove: false };
  const change = async (/** @type {Event & { currentTarget: HTMLSelectElement }} */ event) => {
    const select = event.currentTarget;
    try {
      await app.conversations.setRole(conversation, user.id, /** @type {Role} */ (select.value));
    } catch (reason) {
      select.value = role;
      showToast(errorText(reason), "circle-alert");
    }
  };
  return html`<li class="member">
    <${Avatar} id=${user.id} name=${name} size=${32} online=${online} />
    <span class="member-name">
      <bdi class="truncate">${name}</bdi>${self && html` <span class="field-hint">${t("panel.you")}</span>`}
      <small><span dir="ltr">@${user.username}</span>${online && ` · ${t("panel.online")}`}</small>
    </span>
    ${roles.length > 0
      ? html`<select class="select" aria-label=${t("panel.role", { name })} value=${role} onChange=${change}>
        ${roles.map((choice) => html`<option value=${choice} selected=${choice === role}>${t(`role.${choice}`)}</option>`)}
      </select>`
      : html`<${RoleTag} role=${role} />`}
    ${remove && html`<button class="icon-button icon-button-small" type="button" aria-label=${t("panel.remove", { name })} title=${t("panel.remove", { name })}
      onClick=${() => confirm({
        title: t("panel.remove.sure", { name }),
        body: t("panel.remove.body"),
        confirm: t("panel.remove.confirm"),
        action: () => app.conversations.removeMember(conversation, user.id),
      })}><${Icon} name="user-minus" size=${18} /></button>`}
  </li>`;
}
