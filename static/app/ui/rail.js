import { failedCount, unreadTotal, waitingCount } from "app/core/select.js";
import { html } from "htm/preact";
import { Avatar } from "app/ui/avatar.js";
import { isConnected } from "app/ui/connection-words.js";
import { useSelect } from "app/ui/context.js";
import { Icon } from "app/ui/icon.js";
import { Mark } from "app/ui/mark.js";
import { route } from "app/ui/router.js";
import { t } from "app/ui/strings.js";
import { useTheme } from "app/ui/use-theme.js";

/** The places of the app with their counts. */
export function usePlaces() {
  const unread = useSelect((state) => unreadTotal(state, Date.now()).unread);
  const waiting = useSelect((state) => waitingCount(state) + failedCount(state));
  const name = route.value.name;
  return [
    {
      href: "/", icon: "messages-square", count: unread, tab: t("nav.chats"),
      label: unread ? t("nav.chats.unread", { n: unread }) : t("nav.chats"),
      current: name === "chats" || name === "conversation",
    },
    {
      href: "/outbox", icon: "inbox", count: waiting, tab: t("nav.outbox"),
      label: waiting ? t("nav.outbox.waiting", { n: waiting }) : t("nav.outbox"),
      current: name === "outbox",
    },
  ];
}

/** @param {number} n */
export function shortCount(n) {
  return n > 99 ? "99+" : String(n);
}

/** @param {{ href: string, icon: string, label: string, current?: boolean, count?: number }} props */
function RailLink({ href, icon, label, current = false, count = 0 }) {
  return html`<a class="rail-item" href=${href} aria-label=${label} title=${label} aria-current=${current ? "page" : undefined}>
    <${Icon} name=${icon} />${count > 0 && html`<span class="rail-count" aria-hidden="true">${shortCount(count)}</span>`}
  </a>`;
}

export function Rail() {
  const [theme, setTheme] = useTheme();
  const user = useSelect((state) => state.user);
  const online = useSelect((state) => isConnected(state.connection));
  const places = usePlaces();
  const other = theme === "dark" ? "light" : "dark";
  return html`<nav class="rail" aria-label=${t("nav.main")}>
    <a class="rail-logo" href="/" aria-label=${t("nav.home")}><${Mark} /></a>
    ${places.map((place) => html`<${RailLink} ...${place} />`)}
    <span class="rail-space"></span>
    <button class="rail-item" type="button" aria-label=${t(`nav.theme.${other}`)} title=${t(`nav.theme.${other}`)} onClick=${() => setTheme(other)}>
      <${Icon} name=${other === "dark" ? "moon" : "sun"} />
    </button>
    <${RailLink} href="/settings/appearance" icon="settings" label=${t("nav.settings")}
      current=${route.value.name === "settings" && route.value.section !== "profile"} />
    ${user && html`<a class="rail-me" href="/settings/profile" aria-current=${route.value.section === "profile" ? "page" : undefined}>
      <${Avatar} id=${user.id} name=${user.display_name} size=${36} online=${online} />
      <span class="visually-hidden">${t("nav.profile", { name: user.display_name })}</span>
    </a>`}
  </nav>`;
}
