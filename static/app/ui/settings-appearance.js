import { html } from "htm/preact";
import { t } from "app/ui/strings.js";
import { useTheme } from "app/ui/use-theme.js";

/** @typedef {{ canvas: string, rail: string, list: string, bubble: string, own: string }} Colours */

/** @type {Record<"light" | "dark", Colours>} */
const COLOURS = {
  light: { canvas: "#FFFFFF", rail: "#0B2E36", list: "#F3F6F6", bubble: "#EFF3F4", own: "#D6ECEE" },
  dark: { canvas: "#0E1719", rail: "#091113", list: "#131F22", bubble: "#1D2B2F", own: "#124149" },
};

/** @param {Colours} colours */
function drawing({ canvas, rail, list, bubble, own }) {
  return html`<rect width="200" height="120" fill=${canvas} />
    <rect width="18" height="120" fill=${rail} /><rect x="18" width="58" height="120" fill=${list} />
    <rect x="25" y="18" width="42" height="8" rx="4" fill=${bubble} /><rect x="25" y="36" width="34" height="8" rx="4" fill=${bubble} />
    <rect x="86" y="18" width="64" height="20" rx="9" fill=${bubble} />
    <rect x="120" y="46" width="68" height="20" rx="9" fill=${own} />
    <rect x="86" y="74" width="46" height="20" rx="9" fill=${bubble} />`;
}

/** A small picture of the app in a theme. @param {{ theme: "system" | "light" | "dark" }} props */
function Preview({ theme }) {
  const first = theme === "dark" ? COLOURS.dark : COLOURS.light;
  return html`<svg viewBox="0 0 200 120" aria-hidden="true">
    ${theme === "system" && html`<defs><clipPath id="half"><path d="M200 0V120H0Z" /></clipPath></defs>`}
    ${drawing(first)}
    ${theme === "system" && html`<g clip-path="url(#half)">${drawing(COLOURS.dark)}</g>`}
  </svg>`;
}

export function SettingsAppearance() {
  const [, setTheme, chosen] = useTheme();
  return html`<fieldset class="page-section">
    <legend><h3>${t("set.theme")}</h3></legend>
    <div class="tiles">
      ${/** @type {const} */ (["system", "light", "dark"]).map((theme) => html`<label class="tile">
        <${Preview} theme=${theme} />
        <span><input type="radio" name="theme" value=${theme} checked=${chosen === theme} onChange=${() => setTheme(theme)} />${t(`set.theme.${theme}`)}</span>
      </label>`)}
    </div>
  </fieldset>`;
}
