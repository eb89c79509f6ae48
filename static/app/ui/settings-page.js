import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { Icon } from "app/ui/icon.js";
import { SettingsAppearance } from "app/ui/settings-appearance.js";
import { SettingsDevices } from "app/ui/settings-devices.js";
import { SettingsPassword } from "app/ui/settings-password.js";
import { SettingsProfile } from "app/ui/settings-profile.js";
import { SettingsTwoStep } from "app/ui/settings-two-step.js";
import { t } from "app/ui/strings.js";
import { isPhone } from "app/ui/use-media.js";

/** @type {Record<string, () => any>} */
const PAGES = { profile: SettingsProfile, password: SettingsPassword, twostep: SettingsTwoStep, devices: SettingsDevices, appearance: SettingsAppearance };

/** @param {string | null} section */
export function knownSection(section) {
  return section !== null && section in PAGES ? section : null;
}

/** One section of the settings. @param {{ section: string }} props */
export function SettingsPage({ section }) {
  useEffect(() => { document.title = t("app.title", { page: t(`set.${section}`) }); }, [section]);
  return html`<main class="page main-pane" id="main" tabindex="-1"><div class="page-inner">
    <header class="page-head">
      <a class="icon-button" href="/settings" aria-label=${t("set.back")}><${Icon} name="arrow-left" flip /></a>
      <div>
        ${isPhone.value && html`<h1 class="visually-hidden">${t("set.title")}</h1>`}
        <h2 class="page-title">${t(`set.${section}`)}</h2><p>${t(`set.${section}.lead`)}</p></div>
    </header>
    <${PAGES[section]} />
  </div></main>`;
}
