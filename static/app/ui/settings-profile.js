import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { Avatar } from "app/ui/avatar.js";
import { useApp, useSelect } from "app/ui/context.js";
import { errorText, fieldErrors } from "app/ui/error-text.js";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";

export function SettingsProfile() {
  const app = useApp();
  const user = useSelect((state) => state.user);
  const [name, setName] = useState(user?.display_name ?? "");
  const [error, setError] = useState("");
  const [saved, setSaved] = useState(false);
  const [busy, setBusy] = useState(false);
  if (!user) return null;

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy) return;
    if (!name.trim()) return setError(t("auth.required"));
    setBusy(true);
    setSaved(false);
    try {
      await app.profile.update({ display_name: name.trim() });
      setSaved(true);
    } catch (reason) {
      setError(fieldErrors(reason).display_name ?? errorText(reason));
    }
    setBusy(false);
  };

  return html`<form class="page-form" novalidate onSubmit=${submit}>
    <${Avatar} id=${user.id} name=${name || user.username} size=${64} />
    <${TextField} label=${t("set.profile.name")} name="display_name" value=${name} autocomplete="name" maxlength=${64} error=${error}
      onInput=${(/** @type {string} */ value) => { setName(value); setError(""); setSaved(false); }} />
    <${TextField} label=${t("set.profile.username")} name="username" value=${user.username} readonly onInput=${() => {}} />
    <button class="button button-primary" type="submit" aria-disabled=${busy}>${t("set.profile.save")}</button>
    <p class="field-hint" role="status">${saved ? t("set.profile.saved") : ""}</p>
  </form>`;
}
