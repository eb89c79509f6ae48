import { html } from "htm/preact";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";
import { showToast } from "app/ui/toast.js";

/** @typedef {import("app/services/account.js").Enrolment} Enrolment */

/** The secret, to be scanned or typed into an authenticator app. @param {{ enrolment: Enrolment }} props */
export function EnrolmentPicture({ enrolment }) {
  const groups = enrolment.secret.match(/.{1,4}/g)?.join(" ") ?? "";
  return html`<div class="enrolment">
    <p>${t("setup.scan")}</p>
    <img class="enrolment-qr" src=${enrolment.qr} alt=${t("setup.qr")} width="200" height="200" />
    <p class="field-hint">${t("setup.by.hand")}</p>
    <code class="enrolment-secret" dir="ltr" translate="no">${groups}</code>
  </div>`;
}

/** The recovery codes, which are shown once. @param {{ codes: string[], onDone: () => void }} props */
export function RecoveryCodes({ codes, onDone }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(codes.join("\n"));
      showToast(t("setup.codes.copied"));
    } catch {
      showToast(t("setup.codes.failed"));
    }
  };
  return html`<div class="auth-form">
    <ul class="recovery-codes" aria-label=${t("setup.codes.list")} translate="no">
      ${codes.map((code) => html`<li key=${code}><code dir="ltr">${code}</code></li>`)}
    </ul>
    <button class="button button-secondary" type="button" onClick=${copy}><${Icon} name="copy" size=${18} />${t("setup.codes.copy")}</button>
    <button class="button button-primary button-large button-block" type="button" onClick=${onDone}>${t("setup.codes.done")}</button>
  </div>`;
}
