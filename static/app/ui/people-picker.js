import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import { useEffect, useId } from "preact/hooks";
import { Avatar } from "app/ui/avatar.js";
import { useApp, useSelect } from "app/ui/context.js";
import { Icon } from "app/ui/icon.js";
import { isConnected } from "app/ui/connection-words.js";
import { t } from "app/ui/strings.js";

/** @typedef {import("app/core/types.js").User} User */

const TYPING_PAUSE = 200;

/** People one has a direct conversation or a group with, to begin with. @param {import("app/core/types.js").State} state @returns {User[]} */
function acquaintances(state) {
  /** @type {Map<string, User>} */
  const people = new Map();
  for (const conversation of Object.values(state.conversations)) {
    for (const { user } of Object.values(conversation.members)) if (user.id !== state.user?.id) people.set(user.id, user);
  }
  return [...people.values()].sort((a, b) => a.display_name.localeCompare(b.display_name)).slice(0, 20);
}

/** @param {{ user: User, chosen: boolean, online: boolean, onToggle: () => void }} props */
function Person({ user, chosen, online, onToggle }) {
  return html`<li><label class="option">
    <${Avatar} id=${user.id} name=${user.display_name} size=${32} online=${online} />
    <span class="grow truncate"><b><bdi>${user.display_name}</bdi></b> <small dir="ltr">@${user.username}</small></span>
    <input class="checkbox option-end" type="checkbox" checked=${chosen} onChange=${onToggle} aria-label=${user.display_name} />
  </label></li>`;
}

/**
 * A search field for people and what was found, to tick.
 * @param {{ chosen: User[], onChange: (people: User[]) => void, exclude?: string[], label: string, hint?: string }} props
 */
export function PeoplePicker({ chosen, onChange, exclude = [], label, hint }) {
  const app = useApp();
  const id = useId();
  const query = useSignal("");
  const found = useSignal(/** @type {User[] | null} */ (null));
  const failed = useSignal(false);
  const presence = useSelect((state) => (isConnected(state.connection) ? state.presence : {}));
  const known = useSelect((state) => state.conversations);
  const q = query.value.trim();

  useEffect(() => {
    failed.value = false;
    if (q === "") {
      found.value = null;
      return undefined;
    }
    let current = true;
    const timer = setTimeout(async () => {
      try {
        const people = await app.conversations.searchUsers(q);
        if (current) found.value = people;
      } catch {
        if (current) failed.value = true;
      }
    }, TYPING_PAUSE);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [q]);

  const people = (found.value ?? (known && acquaintances(app.state.peek()))).filter((user) => !exclude.includes(user.id));
  const toggle = (/** @type {User} */ user) => {
    const others = chosen.filter((person) => person.id !== user.id);
    onChange(others.length === chosen.length ? [...chosen, user] : others);
  };

  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${chosen.length > 0 && html`<ul class="tokens">${chosen.map((user) => html`<li class="token" key=${user.id}>
      <${Avatar} id=${user.id} name=${user.display_name} size=${20} /><bdi>${user.display_name}</bdi>
      <button type="button" aria-label=${t("new.remove", { name: user.display_name })} onClick=${() => toggle(user)}><${Icon} name="x" size=${14} /></button>
    </li>`)}</ul>`}
    <span class="input"><${Icon} name="search" size=${18} />
      <input id=${id} type="search" autocomplete="off" autocapitalize="none" spellcheck=${false} autofocus placeholder=${t("new.find")} value=${query.value}
        aria-describedby=${hint ? `${id}-hint` : undefined} onInput=${(/** @type {any} */ event) => { query.value = event.currentTarget.value; }} />
    </span>
    ${hint && html`<span class="field-hint" id=${`${id}-hint`}>${hint}</span>`}
    ${failed.value && html`<p class="field-error" role="alert"><${Icon} name="circle-alert" size=${16} />${t("new.search.failed")}</p>`}
    <ul class="options" aria-label=${t("new.results")}>
      ${people.map((user) => html`<${Person} key=${user.id} user=${user} chosen=${chosen.some((person) => person.id === user.id)}
        online=${presence[user.id] === true} onToggle=${() => toggle(user)} />`)}
    </ul>
    <p class="field-hint" role="status">${found.value !== null && people.length === 0 ? t("new.none", { q }) : ""}</p>
  </div>`;
}
