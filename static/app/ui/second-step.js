import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { AuthLayout, Note } from "app/ui/auth-layout.js";
import { CodeForm } from "app/ui/code-form.js";
import { useApp } from "app/ui/context.js";
import { EnrolmentPicture, RecoveryCodes } from "app/ui/enrolment.js";
import { errorText, fieldErrors } from "app/ui/error-text.js";
import { t } from "app/ui/strings.js";

/** @typedef {{ username: string, password: string }} Credentials */

/** @param {any} reason @returns {string} what to say under the field */
function codeProblem(reason) {
  return fieldErrors(reason).code ?? errorText(reason);
}

/**
 * The step after a right password: the code of the app, or a recovery code.
 * @param {{ credentials: Credentials, onBack: () => void }} props
 */
export function SecondStep({ credentials, onBack }) {
  const app = useApp();
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (/** @type {string} */ code) => {
    setBusy(true);
    setError("");
    try {
      await app.session.signIn({ ...credentials, code });
    } catch (reason) {
      setBusy(false);
      setError(codeProblem(reason));
    }
  };
  return html`<${AuthLayout} title=${t("code.title")} lead=${t("code.lead")}>
    ${error && html`<${Note} tone="danger" head=${t("code.bad.head")} body=${error} />`}
    <${CodeForm} error="" busy=${busy} submit=${busy ? t("auth.busy") : t("code.submit")} recovery onSubmit=${submit} />
    <p class="auth-alternative"><button class="text-button text-button-quiet" type="button" onClick=${onBack}>${t("auth.back")}</button></p>
  <//>`;
}

/**
 * For an account that may not come in without a second factor: set it up here.
 * @param {{ credentials: Credentials, onBack: () => void }} props
 */
export function SetupStep({ credentials, onBack }) {
  const app = useApp();
  const [enrolment, setEnrolment] = useState(/** @type {import("app/services/account.js").Enrolment | null} */ (null));
  const [done, setDone] = useState(/** @type {{ codes: string[], enter: () => Promise<void> } | null} */ (null));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    app.session.beginSetup(credentials).then(setEnrolment, (reason) => setError(errorText(reason)));
  }, [app]);
  const confirm = async (/** @type {string} */ code) => {
    setBusy(true);
    setError("");
    try {
      setDone(await app.session.finishSetup({ ...credentials, code }));
    } catch (reason) {
      setBusy(false);
      setError(codeProblem(reason));
    }
  };
  if (done) {
    return html`<${AuthLayout} title=${t("setup.codes")} lead=${t("setup.codes.lead")}>
      <${RecoveryCodes} codes=${done.codes} onDone=${done.enter} />
    <//>`;
  }
  return html`<${AuthLayout} title=${t("setup.title")} lead=${t("setup.lead")}>
    ${error && html`<${Note} tone="danger" head=${t("auth.failed.head")} body=${error} />`}
    ${enrolment && html`<${EnrolmentPicture} enrolment=${enrolment} />
      <${CodeForm} error="" busy=${busy} submit=${t("setup.turn.on")} onSubmit=${confirm} />`}
    <p class="auth-alternative"><button class="text-button text-button-quiet" type="button" onClick=${onBack}>${t("auth.back")}</button></p>
  <//>`;
}
