import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { AuthLayout, Note } from "app/ui/auth-layout.js";
import { useApp } from "app/ui/context.js";
import { errorText, fieldErrors } from "app/ui/error-text.js";
import { useLinkSecret } from "app/ui/link-secret.js";
import { navigate } from "app/ui/router.js";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";

/** The page of the link that finishes a registration: `/verify#<token>`. */
export function Verify() {
  const app = useApp();
  const token = useLinkSecret();
  const [password, setPassword] = useState("");
  const [username, setUsername] = useState("");
  const [taken, setTaken] = useState(false);
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState("");
  const [dead, setDead] = useState(token === "");
  const [busy, setBusy] = useState(false);

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy) return;
    if (!password) return setErrors({ password: t("auth.required") });
    setBusy(true);
    setProblem("");
    try {
      await app.session.verify({ token, password, username: username.trim() });
      navigate("/", { replace: true });
    } catch (reason) {
      const error = /** @type {any} */ (reason);
      // The account is there; it may only be used with a second factor, which signing in sets up.
      if (error?.code === "second_factor_setup_required") return navigate("/sign-in", { replace: true });
      const found = fieldErrors(error);
      setBusy(false);
      setErrors(found);
      if (found.username) setTaken(true);
      if (found.token) setDead(true);
      else if (Object.keys(found).length === 0) setProblem(errorText(error));
    }
  };

  if (dead) {
    return html`<${AuthLayout} title=${t("verify.title")} lead=${t("verify.dead.head")}>
      <${Note} tone="danger" head=${t("verify.dead.head")} body=${t("verify.dead.body")} />
      <a class="button button-primary button-large button-block" href="/sign-in">${t("auth.signin")}</a>
      <p class="auth-alternative">${t("auth.new")} <a href="/register">${t("auth.create")}</a></p>
    <//>`;
  }
  return html`<${AuthLayout} title=${t("verify.title")} lead=${t("verify.lead")}>
    <form class="auth-form" novalidate onSubmit=${submit}>
      ${problem && html`<${Note} tone="danger" head=${t("auth.failed.head")} body=${problem} />`}
      ${taken && html`<${TextField} label=${t("register.username")} name="username" autocomplete="username" value=${username}
        onInput=${setUsername} maxlength=${32} hint=${t("verify.taken")} error=${username ? errors.username : ""} />`}
      <${TextField} label=${t("auth.password")} name="password" type="password" autocomplete="current-password" value=${password}
        error=${errors.password} autofocus
        onInput=${(/** @type {string} */ value) => { setPassword(value); setErrors({}); }} />
      <button class="button button-primary button-large button-block" type="submit" aria-disabled=${busy}>${t("verify.submit")}</button>
    </form>
  <//>`;
}
