import { conversationList } from "app/core/select.js";
import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import { useEffect, useId } from "preact/hooks";
import { Avatar } from "app/ui/avatar.js";
import { useApp } from "app/ui/context.js";
import { onCancel, useModal } from "app/ui/dialog.js";
import { errorText } from "app/ui/error-text.js";
import { Icon } from "app/ui/icon.js";
import { closeOverlay, conversationPath, navigate } from "app/ui/router.js";
import { shortCount } from "app/ui/rail.js";
import { t } from "app/ui/strings.js";

/**
 * @typedef {import("app/services/app.js").App} App
 * @typedef {import("app/core/types.js").User} User
 * @typedef {{ key: string, name: string, detail: string, hueId: string, group: boolean, online: boolean, unread: number, go: () => Promise<string> }} Result
 */

const TYPING_PAUSE = 200;
const MOST = 8;

/** @param {App} app @param {string} query @returns {Result[]} */
function localResults(app, query) {
  return conversationList(app.state.peek(), { query, now: Date.now() }).slice(0, MOST).map((entry) => ({
    key: entry.id,
    name: entry.title,
    detail: entry.kind === "group" ? t("switch.group") : "",
    hueId: entry.otherId ?? entry.id,
    group: entry.kind === "group",
    online: entry.online,
    unread: entry.unread,
    go: async () => entry.id,
  }));
}

/** People who aren't among the local results. @param {App} app @param {User[]} people @param {Result[]} local @returns {Result[]} */
function peopleResults(app, people, local) {
  return people.filter((user) => !local.some((result) => result.hueId === user.id)).map((user) => ({
    key: user.id,
    name: user.display_name,
    detail: `@${user.username}`,
    hueId: user.id,
    group: false,
    online: false,
    unread: 0,
    go: () => app.conversations.openDirect(user.id),
  }));
}

/** The part of a name that was typed stands out. @param {string} name @param {string} query */
function marked(name, query) {
  const at = name.toLowerCase().indexOf(query.toLowerCase());
  if (!query || at < 0) return name;
  return html`${name.slice(0, at)}<mark>${name.slice(at, at + query.length)}</mark>${name.slice(at + query.length)}`;
}

/** Jump to any conversation, or to a person. */
export function Switcher() {
  const app = useApp();
  const ref = useModal();
  const id = useId();
  const query = useSignal("");
  const people = useSignal(/** @type {User[]} */ ([]));
  const selected = useSignal(0);
  const error = useSignal("");
  const q = query.value.trim();

  useEffect(() => {
    people.value = [];
    if (q.length < 2) return undefined;
    let current = true;
    const timer = setTimeout(() => {
      app.conversations.searchUsers(q).then((found) => { if (current) people.value = found; }, () => { /* The local results stay. */ });
    }, TYPING_PAUSE);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [q]);

  const local = localResults(app, q);
  const results = [...local, ...peopleResults(app, people.value, local)];
  const active = Math.min(selected.value, results.length - 1);

  /** @param {Result | undefined} result */
  const open = async (result) => {
    if (!result) return;
    try {
      navigate(conversationPath(await result.go()));
    } catch (reason) {
      error.value = errorText(reason);
    }
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && results.length > 0) {
      event.preventDefault();
      selected.value = (active + step + results.length) % results.length;
      document.getElementById(`${id}-${selected.value}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(results[active]);
    }
  };

  return html`<dialog class="dialog switcher" ref=${ref} aria-label=${t("switch.title")} onCancel=${onCancel}
      onMouseDown=${(/** @type {MouseEvent} */ event) => { if (event.target === ref.current) closeOverlay(); }}>
    <div class="switcher-input"><${Icon} name="search" />
      <input role="combobox" aria-expanded=${results.length > 0} aria-controls=${id} aria-autocomplete="list" aria-label=${t("switch.label")} placeholder=${t("switch.label")}
        aria-activedescendant=${active >= 0 ? `${id}-${active}` : undefined} autocomplete="off" autocapitalize="none" spellcheck=${false} autofocus
        value=${query.value} onKeyDown=${onKeyDown} onInput=${(/** @type {any} */ event) => { query.value = event.currentTarget.value; selected.value = 0; }} />
      <button class="icon-button icon-button-small" type="button" aria-label=${t("dialog.close")} onClick=${closeOverlay}><${Icon} name="x" size=${18} /></button>
    </div>
    <div class="switcher-results">
      ${error.value && html`<p class="field-error" role="alert">${error.value}</p>`}
      <ul role="listbox" id=${id} aria-label=${t("switch.results")}>
        ${results.map((result, index) => html`<li class="option" role="option" id=${`${id}-${index}`} key=${result.key} aria-selected=${index === active} onClick=${() => open(result)}>
          <${Avatar} id=${result.hueId} name=${result.name} size=${32} group=${result.group} online=${result.online} />
          <span class="grow truncate"><b><bdi>${marked(result.name, q)}</bdi></b> <small>${result.detail}</small></span>
          ${result.unread > 0 && html`<span class="count option-end"><span aria-hidden="true">${shortCount(result.unread)}</span><span class="visually-hidden">${t("row.unread", { n: result.unread })}</span></span>`}
        </li>`)}
      </ul>
      <p class=${results.length === 0 ? "switcher-none" : "visually-hidden"} role="status">${results.length === 0 ? t("switch.none", { q }) : ""}</p>
    </div>
    <div class="switcher-foot" aria-hidden="true"><span><kbd>↑</kbd> <kbd>↓</kbd> ${t("switch.move")}</span><span><kbd>Enter</kbd> ${t("switch.open")}</span></div>
  </dialog>`;
}
