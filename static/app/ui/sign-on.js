import { html } from "htm/preact";
import { signOnName } from "app/ui/boot.js";
import { t } from "app/ui/strings.js";

/** Why the server sent the browser back, in its words; any other word is told as `refused`. */
const REASONS = [
  "cancelled", "refused", "expired", "invalid", "away", "misconfigured", "unverified", "no_account", "suspended", "second_factor", "limited", "busy",
];

/**
 * What went wrong on the way to the provider and back, as the address of this page tells.
 * @returns {{ head: string, body: string } | null}
 */
export function signOnProblem() {
  const reason = new URLSearchParams(location.search).get("sso");
  // `start` is no problem: another site led here, and the person has the button before them.
  if (signOnName === null || reason === null || reason === "start") return null;
  const known = REASONS.includes(reason) ? reason : "refused";
  return { head: t("signon.failed", { name: signOnName }), body: t(`signon.failed.${known}`, { name: signOnName }) };
}

/**
 * The button that leads to the provider. A link: it leaves this page, and no form of ours sends
 * anything to another site.
 * @param {{ name: string, wanted: string }} props
 */
export function SignOn({ name, wanted }) {
  const address = `/sign-on/?${new URLSearchParams({ next: wanted })}`;
  return html`<div class="sign-on">
    <p class="sign-on-or"><span>${t("signon.or")}</span></p>
    <a class="button button-secondary button-large button-block" href=${address}>${t("signon.button", { name })}</a>
  </div>`;
}
