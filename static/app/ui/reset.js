import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { AuthLayout, Note } from "app/ui/auth-layout.js";
import { useApp } from "app/ui/context.js";
import { errorText, fieldErrors } from "app/ui/error-text.js";
import { useLinkSecret } from "app/ui/link-secret.js";
import { PASSWORD_MIN, PasswordMeter } from "app/ui/password-meter.js";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";

/** The page of a reset link: `/reset#<token>`. */
export function Reset() {
  const app = useApp();
  const token = useLinkSecret();
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [problem, setProblem] = useState("");
  const [dead, setDead] = useState(token === "");
  const [done, setDone] = useState(false);
  const [busy, setBusy] = useState(false);

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy) return;
    const n = [...password].length;
    if (n < PASSWORD_MIN) return setError(t("register.password.short", { n }));
    setBusy(true);
    setProblem("");
    try {
      await app.recovery.finish({ token, new_password: password });
      setDone(true);
    } catch (reason) {
      const found = fieldErrors(reason);
      if (found.token) setDead(true);
      else if (found.new_password) setError(found.new_password);
      else setProblem(errorText(reason));
    }
    setBusy(false);
  };

  if (done) {
    return html`<${AuthLayout} title=${t("reset.done.title")} lead=${t("reset.done.lead")}>
      <a class="button button-primary button-large button-block" href="/sign-in">${t("auth.signin")}</a>
    <//>`;
  }
  if (dead) {
    return html`<${AuthLayout} title=${t("reset.title")} lead=${t("reset.dead.head")}>
      <${Note} tone="danger" head=${t("reset.dead.head")} body=${t("reset.dead.body")} />
      <a class="button button-primary button-large button-block" href="/forgot">${t("reset.again")}</a>
    <//>`;
  }
  return html`<${AuthLayout} title=${t("reset.title")} lead=${t("reset.lead")}>
    <form class="auth-form" novalidate onSubmit=${submit}>
      ${problem && html`<${Note} tone="danger" head=${t("auth.failed.head")} body=${problem} />`}
      <${TextField} label=${t("set.password.new")} name="new_password" type="password" autocomplete="new-password" value=${password}
        error=${error} hint=${password ? "" : t("register.password.hint")} autofocus
        onInput=${(/** @type {string} */ value) => { setPassword(value); setError(""); }}>
        ${password && html`<${PasswordMeter} password=${password} />`}
      <//>
      <button class="button button-primary button-large button-block" type="submit" aria-disabled=${busy}>${t("reset.submit")}</button>
    </form>
  <//>`;
}
