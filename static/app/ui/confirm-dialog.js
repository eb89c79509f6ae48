import { html } from "htm/preact";
import { useId, useState } from "preact/hooks";
import { Dialog } from "app/ui/dialog.js";
import { closeOverlay, openOverlay } from "app/ui/router.js";
import { t } from "app/ui/strings.js";
import { errorText } from "app/ui/error-text.js";

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} body
 * @property {string} confirm what the button does, a verb
 * @property {string} [stay] the word of the safe button
 * @property {() => Promise<unknown> | unknown} action
 * @property {boolean} [closes] false: the action goes somewhere else by itself
 */

/**
 * Asks before something that can't be taken back. The safe button has the focus first.
 * @param {Question} question
 */
export function confirm(question) {
  openOverlay("confirm", question);
}

/** @param {Question} props */
export function ConfirmDialog({ title, body, confirm: word, stay, action, closes = true }) {
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const act = async () => {
    if (busy) return;
    setBusy(true);
    try {
      await action();
      if (closes) closeOverlay();
    } catch (reason) {
      setError(errorText(reason));
      setBusy(false);
    }
  };
  const foot = html`<span class="grow"></span>
    <button class="button button-secondary" type="button" autofocus onClick=${closeOverlay}>${stay ?? t("dialog.cancel")}</button>
    <button class="button button-danger" type="button" aria-disabled=${busy} onClick=${act}>${word}</button>`;
  return html`<${Dialog} title=${title} size="small" role="alertdialog" describedBy=${id} foot=${foot}>
    <p class="dialog-text" id=${id}>${body}</p>
    ${error && html`<p class="field-error" role="alert">${error}</p>`}
  <//>`;
}
