import { conversationList } from "app/core/select.js";
import { signal, useComputed } from "@preact/signals";
import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { ChatRow } from "app/ui/chat-row.js";
import { ConnectionButton } from "app/ui/connection-button.js";
import { useApp, useSelect } from "app/ui/context.js";
import { Icon } from "app/ui/icon.js";
import { moveInList } from "app/ui/list-keys.js";
import { MarkTile } from "app/ui/mark.js";
import { openOverlay, route } from "app/ui/router.js";
import { ListSkeleton } from "app/ui/skeleton.js";
import { t } from "app/ui/strings.js";
import { isPhone } from "app/ui/use-media.js";
import { everSynced } from "app/ui/ever-synced.js";
import { useElement } from "app/ui/use-element.js";

/** @typedef {"all" | "unread" | "direct" | "groups"} Filter */

const FILTERS = /** @type {const} */ (["all", "unread", "direct", "groups"]);
const filter = signal(/** @type {Filter} */ ("all"));
const query = signal("");
/** The row that Tab reaches; the open conversation unless the arrows moved on. */
const tabStop = signal(/** @type {string | null} */ (null));

function Find() {
  return html`<div class="find" role="search">
    <${Icon} name="search" size=${18} />
    <input type="search" aria-label=${t("list.find")} placeholder=${t("list.find")} value=${query.value} autocomplete="off"
      onInput=${(/** @type {any} */ event) => { query.value = event.currentTarget.value; }}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape") query.value = ""; }} />
    <button type="button" aria-label=${t("list.jump")} title=${t("list.jump")} onClick=${() => openOverlay("switcher")}><kbd>Ctrl K</kbd></button>
  </div>`;
}

function Chips() {
  const unread = useSelect((state) => conversationList(state, { filter: "unread", now: Date.now() }).length);
  return html`<div class="chips" role="group" aria-label=${t("list.show")}>
    ${FILTERS.map((name) => html`<button class="chip" type="button" aria-pressed=${filter.value === name} onClick=${() => { filter.value = name; }}>
      ${t(`list.${name}`)}${name === "unread" && unread > 0 && html` <b class="num">${unread}</b>`}
    </button>`)}
  </div>`;
}

function Head() {
  const phone = isPhone.value;
  return html`<header class="list-head">
    ${phone && html`<${MarkTile} />`}
    <h1>${t("list.title")}</h1>
    ${phone
      ? html`<${ConnectionButton} chip />
        <button class="icon-button" type="button" aria-label=${t("list.jump")} onClick=${() => openOverlay("switcher")}><${Icon} name="search" /></button>`
      : html`<button class="icon-button icon-button-primary" type="button" aria-label=${t("list.new")} title=${t("list.new")} onClick=${() => openOverlay("new")}>
        <${Icon} name="square-pen" size=${18} />
      </button>`}
  </header>`;
}

function Rows() {
  const app = useApp();
  const list = useElement(HTMLElement);
  const entries = useComputed(() => conversationList(app.state.value, { filter: filter.value, query: query.value, now: Date.now() })).value;
  const current = route.value.id;
  const stop = [tabStop.value, current].find((id) => entries.some((entry) => entry.id === id)) ?? entries[0]?.id;
  useEffect(() => { tabStop.value = null; }, [current]);
  if (entries.length === 0) {
    const filtered = filter.value !== "all" || query.value;
    const loading = !everSynced.value && !filtered;
    if (loading) return html`<${ListSkeleton} />`;
    return html`<div class="rows">${filtered && html`<p class="rows-none">${t(filter.value === "unread" && !query.value ? "list.none.unread" : "list.none")}</p>`}</div>`;
  }
  /** @param {FocusEvent} event */
  const onFocus = (event) => {
    const row = /** @type {HTMLElement} */ (event.target).closest?.("[data-conversation]");
    if (row instanceof HTMLElement) tabStop.value = row.dataset.conversation ?? null;
  };
  return html`<nav class="rows" aria-label=${t("list.nav")} ref=${list} onFocusIn=${onFocus}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => list.current && moveInList(event, list.current)}>
    <ul>
      ${entries.map((entry, index) => html`<${ChatRow} key=${entry.id} entry=${entry} current=${entry.id === current}
        tabbable=${entry.id === stop} place=${index + 1} size=${entries.length} />`)}
    </ul>
  </nav>`;
}

export function ChatList() {
  return html`<${isPhone.value ? "main" : "section"} class="pane list-pane" aria-label=${t("list.pane")}>
    <${Head} />
    ${!isPhone.value && html`<${Find} />`}
    <${Chips} />
    <div class="pane-scroll"><${Rows} /></div>
    ${isPhone.value
      ? html`<button class="fab" type="button" aria-label=${t("list.new")} onClick=${() => openOverlay("new")}><${Icon} name="square-pen" size=${24} /></button>`
      : html`<${ConnectionButton} />`}
  <//>`;
}
