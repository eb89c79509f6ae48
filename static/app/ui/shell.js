import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { titleOf, unreadTotal } from "app/core/select.js";
import { ChatList } from "app/ui/chat-list.js";
import { useApp, useSelect } from "app/ui/context.js";
import { Conversation, Missing } from "app/ui/conversation.js";
import { DetailsPanel } from "app/ui/details-panel.js";
import { panelOpen } from "app/ui/details-state.js";
import { everSynced } from "app/ui/ever-synced.js";
import { FirstRun } from "app/ui/first-run.js";
import { listenToKeys } from "app/ui/keys.js";
import { OutboxPage } from "app/ui/outbox-page.js";
import { Rail } from "app/ui/rail.js";
import { route } from "app/ui/router.js";
import { SettingsNav } from "app/ui/settings-nav.js";
import { knownSection, SettingsPage } from "app/ui/settings-page.js";
import { t } from "app/ui/strings.js";
import { TabBar } from "app/ui/tab-bar.js";
import { ToastRegion } from "app/ui/toast.js";
import { isPhone, isWide } from "app/ui/use-media.js";

/** What the main pane shows. */
function MainPane() {
  const { name, id, section } = route.value;
  const empty = useSelect((state) => Object.keys(state.conversations).length === 0);
  if (name === "conversation" && id) return html`<${Conversation} id=${id} />`;
  if (name === "outbox") return html`<${OutboxPage} />`;
  if (name === "settings") return html`<${SettingsPage} section=${knownSection(section) ?? "profile"} />`;
  if (name === "missing") return html`<${Missing} />`;
  return html`<main class="pane main-pane welcome" id="main" tabindex="-1">${(!empty || everSynced.value) && html`<${FirstRun} first=${empty} />`}</main>`;
}

/** The unread count and the place, in the title of the window. */
function useTitle() {
  const { name, id } = route.value;
  const title = useSelect((state) => {
    const conversation = id ? state.conversations[id] : undefined;
    const unread = unreadTotal(state, Date.now()).unread;
    const page = conversation ? titleOf(state, conversation) : t("list.title");
    return `${unread > 0 ? `(${unread > 99 ? "99+" : unread}) ` : ""}${t("app.title", { page })}`;
  }, [id]);
  useEffect(() => {
    if (name === "chats" || name === "conversation") document.title = title;
  }, [title, name]);
}

/** Moves the focus without leaving an address behind. @param {MouseEvent} event @param {string} id */
function skipTo(event, id) {
  event.preventDefault();
  document.getElementById(id)?.focus();
}

/** The app of a signed-in person: places, list, the main pane, details. */
export function Shell() {
  const app = useApp();
  const { name, id, section } = route.value;
  useTitle();
  useEffect(() => listenToKeys(app), [app]);
  const here = useSelect((state) => id !== null && id in state.conversations, [id]);
  const empty = useSelect((state) => Object.keys(state.conversations).length === 0);
  const panel = panelOpen.value && name === "conversation" && here;
  const phone = isPhone.value;
  const settings = name === "settings";
  const listFirst = (name === "chats" && !(phone && empty && everSynced.value)) || (settings && knownSection(section) === null);
  const skip = name === "conversation" ? "composer" : "main";
  const nav = settings ? html`<${SettingsNav} current=${knownSection(section) ?? (phone ? null : "profile")} />` : html`<${ChatList} />`;
  const view = phone && listFirst ? "list" : "main";
  return html`
    ${!(phone && view === "list") && html`<a class="skip" href=${`#${skip}`} onClick=${(/** @type {MouseEvent} */ event) => skipTo(event, skip)}>${t(`skip.${skip}`)}</a>`}
    <div class=${`app${panel && isWide.value ? " app-docked" : ""}`} data-view=${view} data-tabs=${name === "conversation" ? "off" : "on"}>
      ${!phone && html`<${Rail} />`}
      ${(!phone || view === "list") && nav}
      ${(!phone || view === "main") && html`<${MainPane} />`}
      ${panel && id && html`<${DetailsPanel} key=${id} id=${id} />`}
      ${phone && name !== "conversation" && html`<${TabBar} />`}
    </div>
    <${ToastRegion} />`;
}
