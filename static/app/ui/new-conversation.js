import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { useApp } from "app/ui/context.js";
import { Dialog } from "app/ui/dialog.js";
import { errorText } from "app/ui/error-text.js";
import { PeoplePicker } from "app/ui/people-picker.js";
import { closeOverlay, conversationPath, navigate } from "app/ui/router.js";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";

const TITLE_MAX = 100;

/** One person opens a direct conversation, two or more become a group with a name. */
export function NewConversation() {
  const app = useApp();
  const [people, setPeople] = useState(/** @type {import("app/core/types.js").User[]} */ ([]));
  const [title, setTitle] = useState("");
  const [titleError, setTitleError] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const group = people.length > 1;

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy || people.length === 0) return;
    if (group && !title.trim()) {
      setTitleError(t("new.name.needed"));
      /** @type {HTMLElement | null} */ (document.querySelector("dialog input[name=title]"))?.focus();
      return;
    }
    setBusy(true);
    setError("");
    try {
      const id = group
        ? await app.conversations.createGroup({ title: title.trim(), members: people.map((person) => person.id) })
        : await app.conversations.openDirect(people[0].id);
      navigate(conversationPath(id));
    } catch (reason) {
      setError(errorText(reason));
      setBusy(false);
    }
  };

  const foot = html`<span class="grow" role="status">${people.length > 0 ? t("new.count", { n: people.length }) : ""}</span>
    <button class="button button-secondary" type="button" onClick=${closeOverlay}>${t("dialog.cancel")}</button>
    <button class="button button-primary" type="submit" aria-disabled=${busy || people.length === 0}>${t(group ? "new.create" : "new.open")}</button>`;
  return html`<${Dialog} title=${t(group ? "new.title.group" : "new.title")} size="small" foot=${foot} onSubmit=${submit}>
    <div class="dialog-form">
      ${error && html`<p class="field-error" role="alert">${error}</p>`}
      ${group && html`<${TextField} label=${t("new.name")} name="title" value=${title} maxlength=${TITLE_MAX} error=${titleError}
        onInput=${(/** @type {string} */ value) => { setTitle(value); setTitleError(""); }} />`}
      <${PeoplePicker} label=${t("new.people")} hint=${t("new.people.hint")} chosen=${people} onChange=${setPeople} />
    </div>
  <//>`;
}
