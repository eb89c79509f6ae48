import { excerpt } from "app/core/format.js";
import { failedCount, titleOf, waitingCount } from "app/core/select.js";
import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { useApp, useSelect } from "app/ui/context.js";
import { failureText } from "app/ui/failed-actions.js";
import { Icon } from "app/ui/icon.js";
import { setTarget } from "app/ui/composer-target.js";
import { conversationPath, navigate } from "app/ui/router.js";
import { t } from "app/ui/strings.js";
import { isPhone } from "app/ui/use-media.js";

/**
 * @typedef {import("app/core/types.js").OutboxItem} OutboxItem
 * @typedef {import("app/core/types.js").State} State
 */

/** @param {State} state @param {string} id */
function nameOfConversation(state, id) {
  const conversation = state.conversations[id];
  return conversation ? titleOf(state, conversation) : t("conv.missing");
}

/** What waits, by conversation, in order. @param {OutboxItem[]} items */
function queuesOf(items) {
  /** @type {Map<string, OutboxItem[]>} */
  const queues = new Map();
  for (const item of items) {
    if (item.state !== "failed") queues.set(item.conversation, [...(queues.get(item.conversation) ?? []), item]);
  }
  return queues;
}

/** @param {OutboxItem} item */
function editIn(item) {
  setTarget(item.conversation, { kind: "edit-queued", id: item.id, body: item.body, excerpt: excerpt(item.body) });
  navigate(conversationPath(item.conversation));
}

/** @param {{ id: string, items: OutboxItem[] }} props */
function Queue({ id, items }) {
  const app = useApp();
  const name = useSelect((state) => nameOfConversation(state, id), [id]);
  return html`<section class="outbox-group">
    <h3><a class="truncate" href=${conversationPath(id)}><bdi>${name}</bdi></a><small>${t("box.order", { n: items.length })}</small></h3>
    <ol>${items.map((item, index) => html`<li class="outbox-item" key=${item.id}>
      <span class="outbox-place" aria-hidden="true">${index + 1}</span>
      <span class="grow truncate" dir="auto">${excerpt(item.body)}</span>
      <button class="icon-button icon-button-small" type="button" aria-label=${t("box.edit", { text: excerpt(item.body, 40) })} onClick=${() => editIn(item)}><${Icon} name="pencil" size=${16} /></button>
      <button class="icon-button icon-button-small" type="button" aria-label=${t("box.delete", { text: excerpt(item.body, 40) })} onClick=${() => app.outbox.remove(item.id)}><${Icon} name="trash-2" size=${16} /></button>
    </li>`)}</ol>
  </section>`;
}

/** @param {{ item: OutboxItem }} props */
function Refused({ item }) {
  const app = useApp();
  const name = useSelect((state) => nameOfConversation(state, item.conversation), [item.conversation]);
  return html`<section class="outbox-group outbox-failed">
    <h3><${Icon} name="circle-alert" size=${18} /><a class="truncate" href=${conversationPath(item.conversation)}><bdi>${name}</bdi></a><small>${t("status.failed")}</small></h3>
    <p dir="auto">“${excerpt(item.body)}”</p>
    <p class="outbox-why">${failureText(item)}</p>
    <div class="outbox-actions">
      <button class="button button-secondary button-small" type="button" onClick=${() => app.outbox.retry(item.id)}>${t("fail.again")}</button>
      <button class="button button-ghost button-small" type="button" onClick=${() => editIn(item)}>${t("fail.edit")}</button>
      <button class="button button-danger-ghost button-small" type="button" onClick=${() => app.outbox.remove(item.id)}>${t("fail.delete")}</button>
    </div>
  </section>`;
}

/** Everything that hasn't been confirmed by the server yet. */
export function OutboxPage() {
  const items = useSelect((state) => state.outbox);
  const waiting = useSelect(waitingCount);
  const failed = useSelect(failedCount);
  useEffect(() => { document.title = t("app.title", { page: t("box.title") }); }, []);
  const queues = queuesOf(items);
  const words = [waiting && t("box.waiting", { n: waiting }), failed && t("box.attention", { n: failed })].filter(Boolean).join(" · ");
  return html`<main class="page main-pane" id="main" tabindex="-1"><div class="page-inner">
    <header class="page-head"><div>
      ${isPhone.value && html`<h1 class="visually-hidden">${t("app.name")}</h1>`}
      <h2 class="page-title">${t("box.title")} ${words && html`<span class=${`tag ${failed ? "tag-danger" : "tag-brass"}`}>${words}</span>`}</h2>
      <p>${t("box.lead")}</p>
    </div></header>
    ${items.length === 0 && html`<div class="empty">
      <span class="empty-icon"><${Icon} name="inbox" size=${24} /></span><h2>${t("box.empty")}</h2><p>${t("box.empty.body")}</p>
    </div>`}
    ${items.filter((item) => item.state === "failed").map((item) => html`<${Refused} key=${item.id} item=${item} />`)}
    ${[...queues].map(([id, queued]) => html`<${Queue} key=${id} id=${id} items=${queued} />`)}
  </div></main>`;
}
