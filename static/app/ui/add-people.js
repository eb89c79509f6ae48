import { membersOf, titleOf } from "app/core/select.js";
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { useApp, useSelect } from "app/ui/context.js";
import { Dialog } from "app/ui/dialog.js";
import { errorText } from "app/ui/error-text.js";
import { PeoplePicker } from "app/ui/people-picker.js";
import { closeOverlay } from "app/ui/router.js";
import { t } from "app/ui/strings.js";

/** @param {{ id: string }} props the group */
export function AddPeople({ id }) {
  const app = useApp();
  const title = useSelect((state) => titleOf(state, state.conversations[id]), [id]);
  const members = useSelect((state) => state.conversations[id].members, [id]);
  const [people, setPeople] = useState(/** @type {import("app/core/types.js").User[]} */ ([]));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy || people.length === 0) return;
    setBusy(true);
    let left = people;
    try {
      for (const person of people) {
        await app.conversations.addMember(id, person.id);
        left = left.filter(({ id: added }) => added !== person.id);
      }
      closeOverlay();
    } catch (reason) {
      setPeople(left);
      setError(errorText(reason));
      setBusy(false);
    }
  };

  const inside = members ? membersOf(app.state.peek().conversations[id]).map((member) => member.user.id) : [];
  const foot = html`<button class="button button-secondary" type="button" onClick=${closeOverlay}>${t("dialog.cancel")}</button>
    <button class="button button-primary" type="submit" aria-disabled=${busy || people.length === 0}>${t("add.submit", { n: people.length })}</button>`;
  return html`<${Dialog} title=${t("add.title", { name: title })} size="small" foot=${foot} onSubmit=${submit}>
    ${error && html`<p class="field-error" role="alert">${error}</p>`}
    <${PeoplePicker} label=${t("new.people")} chosen=${people} onChange=${setPeople} exclude=${inside} />
  <//>`;
}
