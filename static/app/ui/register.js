import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { AuthLayout, Note } from "app/ui/auth-layout.js";
import { registration } from "app/ui/boot.js";
import { useApp } from "app/ui/context.js";
import { errorText, fieldErrors } from "app/ui/error-text.js";
import { useLinkSecret } from "app/ui/link-secret.js";
import { PASSWORD_MIN, PasswordMeter } from "app/ui/password-meter.js";
import { navigate } from "app/ui/router.js";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";
import { useElement } from "app/ui/use-element.js";

/** @typedef {{ display_name: string, username: string, email: string, password: string }} Values */

const FIELDS = /** @type {const} */ (["display_name", "username", "email", "password"]);

/** @type {Record<keyof Values, (value: string) => string>} */
const CHECKS = {
  display_name: (value) => (value.trim() ? "" : t("auth.required")),
  username: (value) => (/^[A-Za-z0-9._-]{3,32}$/.test(value.trim()) ? "" : t("register.username.bad")),
  email: (value) => (/^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(value.trim()) ? "" : t("register.email.bad")),
  password: (value) => {
    const n = [...value].length;
    return n >= PASSWORD_MIN ? "" : t("register.password.short", { n });
  },
};

export function Register() {
  const app = useApp();
  const summary = useElement(HTMLDivElement);
  const [values, setValues] = useState(/** @type {Values} */ ({ display_name: "", username: "", email: "", password: "" }));
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState("");
  const code = useLinkSecret();
  const [invitation, setInvitation] = useState(code);
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);

  const set = (/** @type {keyof Values} */ field) => (/** @type {string} */ value) => {
    setValues({ ...values, [field]: value });
    if (errors[field]) setErrors({ ...errors, [field]: "" });
  };
  const leave = (/** @type {keyof Values} */ field) => () => {
    if (values[field]) setErrors({ ...errors, [field]: CHECKS[field](values[field]) });
  };
  const show = (/** @type {Record<string, string>} */ found, /** @type {string} */ text) => {
    setErrors(found);
    setProblem(text);
    requestAnimationFrame(() => summary.current?.focus());
  };

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy) return;
    const found = Object.fromEntries(FIELDS.map((field) => [field, CHECKS[field](values[field])]).filter(([, text]) => text));
    const n = Object.keys(found).length;
    if (n > 0) return show(found, t("register.summary", { n }));
    setBusy(true);
    setProblem("");
    try {
      const isIn = await app.session.register({
        display_name: values.display_name.trim(),
        username: values.username.trim(),
        email: values.email.trim(),
        password: values.password,
        ...(invitation.trim() && { invitation: invitation.trim() }),
      });
      if (!isIn) setSent(true);
    } catch (reason) {
      setBusy(false);
      // The account is there; signing in leads through what it still needs.
      if (/** @type {any} */ (reason)?.code === "second_factor_setup_required") return navigate("/sign-in", { replace: true });
      const refused = fieldErrors(reason);
      const count = Object.keys(refused).filter((field) => field in values).length;
      show(refused, count ? t("register.summary", { n: count }) : errorText(reason));
    }
  };

  if (sent) {
    return html`<${AuthLayout} title=${t("register.sent.title")} lead=${t("register.sent.lead", { email: values.email.trim() })}>
      <p class="auth-alternative" role="status">${t("register.sent.body")}</p>
      <p class="auth-alternative"><a href="/sign-in">${t("auth.back")}</a></p>
    <//>`;
  }
  if (registration === "closed") {
    return html`<${AuthLayout} title=${t("register.title")} lead=${t("register.closed.head")}>
      <${Note} head=${t("register.closed.head")} body=${t("register.closed.body")} />
      <p class="auth-alternative">${t("auth.have")} <a href="/sign-in">${t("auth.signin")}</a></p>
    <//>`;
  }
  const field = (/** @type {keyof Values} */ name) => ({
    name, value: values[name], error: errors[name], onInput: set(name), onBlur: leave(name),
  });
  return html`<${AuthLayout} title=${t("register.title")} lead=${t(code ? "register.invited" : "register.lead")}>
    <form class="auth-form" novalidate onSubmit=${submit}>
      ${problem && html`<${Note} tone="danger" head=${problem} focusRef=${summary} />`}
      ${registration === "invitation" && !code && html`<${TextField} label=${t("register.invitation")} name="invitation" value=${invitation}
        onInput=${setInvitation} autocomplete="off" maxlength=${64} hint=${t("register.invitation.hint")} />`}
      <${TextField} ...${field("display_name")} label=${t("register.name")} autocomplete="name" maxlength=${64} autofocus />
      <${TextField} ...${field("username")} label=${t("register.username")} autocomplete="username" maxlength=${32} hint=${t("register.username.hint")} />
      <${TextField} ...${field("email")} label=${t("register.email")} type="email" autocomplete="email" />
      <${TextField} ...${field("password")} label=${t("auth.password")} type="password" autocomplete="new-password"
        hint=${values.password ? "" : t("register.password.hint")}>
        ${values.password && html`<${PasswordMeter} password=${values.password} />`}
      <//>
      <button class="button button-primary button-large button-block" type="submit" aria-disabled=${busy}>
        ${busy ? t("register.busy") : t("register.submit")}
      </button>
    </form>
    <p class="auth-alternative">${t("auth.have")} <a href="/sign-in">${t("auth.signin")}</a></p>
  <//>`;
}
