import { waitingCount } from "app/core/select.js";
import { html } from "htm/preact";
import { Avatar } from "app/ui/avatar.js";
import { confirm } from "app/ui/confirm-dialog.js";
import { ConnectionButton } from "app/ui/connection-button.js";
import { useApp, useSelect } from "app/ui/context.js";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";
import { isPhone } from "app/ui/use-media.js";

export const SECTIONS = /** @type {const} */ ([["profile", "user"], ["password", "lock"], ["twostep", "smartphone"], ["devices", "laptop"], ["appearance", "sun"]]);

/** The sections of the settings. @param {{ current: string | null }} props */
export function SettingsNav({ current }) {
  const app = useApp();
  const user = useSelect((state) => state.user);
  const askToSignOut = () => {
    const n = waitingCount(app.state.peek());
    confirm({
      title: t("set.signout.sure"),
      body: n > 0 ? t("set.signout.waiting", { n }) : t("set.signout.plain"),
      confirm: t("set.signout"),
      closes: false,
      action: () => app.session.signOut(),
    });
  };
  return html`<${isPhone.value ? "main" : "section"} class="pane list-pane" aria-label=${t("set.title")}>
    <header class="list-head"><h1>${t("set.title")}</h1></header>
    <div class="pane-scroll"><div class="settings-nav">
      ${user && html`<div class="settings-me">
        <${Avatar} id=${user.id} name=${user.display_name} size=${44} />
        <div class="grow"><b class="truncate"><bdi>${user.display_name}</bdi></b><span class="truncate" dir="ltr">@${user.username}</span></div>
      </div>`}
      <nav aria-label=${t("set.sections")}><ul class="settings-links">
        ${SECTIONS.map(([name, icon]) => html`<li><a class="settings-link" href=${`/settings/${name}`} aria-current=${current === name ? "page" : undefined}>
          <${Icon} name=${icon} />${t(`set.${name}`)}
        </a></li>`)}
      </ul></nav>
      <button class="settings-link settings-out" type="button" onClick=${askToSignOut}><${Icon} name="log-out" flip />${t("set.signout")}</button>
    </div></div>
    ${!isPhone.value && html`<${ConnectionButton} />`}
  <//>`;
}
