import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { useApp } from "app/ui/context.js";
import { errorText, fieldErrors } from "app/ui/error-text.js";
import { PASSWORD_MIN, PasswordMeter } from "app/ui/password-meter.js";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";
import { showToast } from "app/ui/toast.js";

export function SettingsPassword() {
  const app = useApp();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy) return;
    const n = [...next].length;
    setProblem("");
    setErrors({
      ...(!current && { old_password: t("auth.required") }),
      ...(n < PASSWORD_MIN && { new_password: t("register.password.short", { n }) }),
    });
    if (!current || n < PASSWORD_MIN) return;
    setBusy(true);
    try {
      await app.profile.changePassword({ old_password: current, new_password: next });
      setCurrent("");
      setNext("");
      showToast(t("set.password.saved"));
    } catch (reason) {
      const found = fieldErrors(reason);
      setErrors(found);
      if (Object.keys(found).length === 0) setProblem(errorText(reason));
    }
    setBusy(false);
  };

  return html`<form class="page-form" novalidate onSubmit=${submit}>
    ${problem && html`<p class="field-error" role="alert">${problem}</p>`}
    <${TextField} label=${t("set.password.current")} name="old_password" type="password" autocomplete="current-password" value=${current}
      onInput=${setCurrent} error=${errors.old_password} />
    <${TextField} label=${t("set.password.new")} name="new_password" type="password" autocomplete="new-password" value=${next}
      onInput=${setNext} error=${errors.new_password} hint=${next ? "" : t("register.password.hint")}>
      ${next && html`<${PasswordMeter} password=${next} />`}
    <//>
    <button class="button button-primary" type="submit" aria-disabled=${busy}>${t("set.password.save")}</button>
  </form>`;
}
