import { html } from "htm/preact";
import { Icon } from "app/ui/icon.js";
import { shortCount, usePlaces } from "app/ui/rail.js";
import { route } from "app/ui/router.js";
import { t } from "app/ui/strings.js";

/** The phone's way between places. */
export function TabBar() {
  const places = [
    ...usePlaces(),
    { href: "/settings", icon: "user", count: 0, tab: t("nav.you"), label: t("nav.you"), current: route.value.name === "settings" },
  ];
  return html`<nav class="tab-bar" aria-label=${t("nav.main")}>
    ${places.map((place) => html`<a class="tab" href=${place.href} aria-current=${place.current ? "page" : undefined}>
      <span class="tab-icon"><${Icon} name=${place.icon} />
        ${place.count > 0 && html`<span class="rail-count" aria-hidden="true">${shortCount(place.count)}</span>`}
      </span>
      <span aria-hidden="true">${place.tab}</span><span class="visually-hidden">${place.label}</span>
    </a>`)}
  </nav>`;
}
