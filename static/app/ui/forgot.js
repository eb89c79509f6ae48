import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { AuthLayout, Note } from "app/ui/auth-layout.js";
import { mail } from "app/ui/boot.js";
import { useApp } from "app/ui/context.js";
import { errorText, fieldErrors } from "app/ui/error-text.js";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";

/** Asks for a link to reset a password. The answer never tells whether there is an account. */
export function Forgot() {
  const app = useApp();
  const [email, setEmail] = useState("");
  const [error, setError] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [sent, setSent] = useState(false);

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy) return;
    setProblem("");
    if (!/^[^\s@]+@[^\s@]+$/.test(email.trim())) return setError(t("register.email.bad"));
    setBusy(true);
    try {
      await app.recovery.request(email.trim());
      setSent(true);
    } catch (reason) {
      const found = fieldErrors(reason).email;
      if (found) setError(found);
      else setProblem(errorText(reason));
    }
    setBusy(false);
  };

  const back = html`<p class="auth-alternative"><a href="/sign-in">${t("auth.back")}</a></p>`;
  if (!mail) {
    return html`<${AuthLayout} title=${t("forgot.title")} lead=${t("forgot.off.head")}>
      <${Note} head=${t("forgot.off.head")} body=${t("forgot.off.body")} />${back}
    <//>`;
  }
  if (sent) {
    return html`<${AuthLayout} title=${t("forgot.sent.title")} lead=${t("forgot.sent.lead", { email: email.trim() })}>
      <p class="auth-alternative" role="status">${t("forgot.sent.body")}</p>${back}
    <//>`;
  }
  return html`<${AuthLayout} title=${t("forgot.title")} lead=${t("forgot.lead")}>
    <form class="auth-form" novalidate onSubmit=${submit}>
      ${problem && html`<${Note} tone="danger" head=${t("auth.failed.head")} body=${problem} />`}
      <${TextField} label=${t("register.email")} name="email" type="email" autocomplete="email" value=${email} error=${error} autofocus
        onInput=${(/** @type {string} */ value) => { setEmail(value); setError(""); }} />
      <button class="button button-primary button-large button-block" type="submit" aria-disabled=${busy}>${t("forgot.submit")}</button>
    </form>
    ${back}
  <//>`;
}
