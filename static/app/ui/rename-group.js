import { titleOf } from "app/core/select.js";
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { useApp } from "app/ui/context.js";
import { Dialog } from "app/ui/dialog.js";
import { errorText } from "app/ui/error-text.js";
import { closeOverlay } from "app/ui/router.js";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";

/** @param {{ id: string }} props the group */
export function RenameGroup({ id }) {
  const app = useApp();
  const [title, setTitle] = useState(() => titleOf(app.state.peek(), app.state.peek().conversations[id]));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy) return;
    if (!title.trim()) return setError(t("new.name.needed"));
    setBusy(true);
    try {
      await app.conversations.rename(id, title.trim());
      closeOverlay();
    } catch (reason) {
      setError(errorText(reason));
      setBusy(false);
    }
  };

  const foot = html`<button class="button button-secondary" type="button" onClick=${closeOverlay}>${t("dialog.cancel")}</button>
    <button class="button button-primary" type="submit" aria-disabled=${busy}>${t("rename.save")}</button>`;
  return html`<${Dialog} title=${t("rename.title")} size="small" foot=${foot} onSubmit=${submit}>
    <${TextField} label=${t("new.name")} name="title" value=${title} maxlength=${100} autofocus error=${error}
      onInput=${(/** @type {string} */ value) => { setTitle(value); setError(""); }} />
  <//>`;
}
