import { hueOf, nameOf } from "app/core/select.js";
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "app/ui/avatar.js";
import { useApp } from "app/ui/context.js";
import { FailedActions } from "app/ui/failed-actions.js";
import { Icon } from "app/ui/icon.js";
import { commandsFor, startEdit } from "app/ui/message-commands.js";
import { MessageQuote } from "app/ui/message-quote.js";
import { MessageText } from "app/ui/message-text.js";
import { MessageToolbar } from "app/ui/message-toolbar.js";
import { t } from "app/ui/strings.js";
import { Tick } from "app/ui/ticks.js";
import { fullTime, timeOf } from "app/ui/times.js";

/** @typedef {import("app/core/timeline.js").MessageItem} MessageItem */

/** Nothing is drawn for the first moments of sending, so that quick links don't flicker, ms. */
const QUIET_MS = 300;
/** A text longer than this folds. */
const FOLD_LINES = 18;
const FOLD_CHARS = 1400;

/** True in the first moments of sending. @param {MessageItem} item */
function useQuiet(item) {
  const sending = item.delivery === "sending" && item.item?.tries === 1;
  const [quiet, setQuiet] = useState(true);
  useEffect(() => {
    if (!sending) return undefined;
    const timer = setTimeout(() => setQuiet(false), QUIET_MS);
    return () => clearTimeout(timer);
  }, [sending]);
  return sending && quiet;
}

/** @param {{ item: MessageItem }} props */
function Meta({ item }) {
  const quiet = useQuiet(item);
  return html`<span class="meta">
    ${item.edited && html`<span>${t("msg.edited")}</span>`}
    <time datetime=${item.created_at} title=${fullTime(item.created_at)}>${timeOf(item.created_at)}</time>
    ${item.delivery && html`<span id=${`s-${item.key}`}><${Tick} state=${item.delivery} quiet=${quiet} /></span>`}
  </span>`;
}

/** @param {string} body */
function isLong(body) {
  return body.length > FOLD_CHARS || body.split("\n").length > FOLD_LINES;
}

/** @param {{ item: MessageItem }} props */
function Body({ item }) {
  const [open, setOpen] = useState(false);
  if (item.deleted) {
    return html`<div class="bubble-text" id=${`b-${item.key}`}><${Icon} name="ban" size=${16} /><em>${t("msg.deleted")}</em><${Meta} item=${item} /></div>`;
  }
  const long = isLong(item.body);
  return html`<div class="bubble-text" dir="auto">
    <div class=${long && !open ? "bubble-folded" : "bubble-body"} id=${`b-${item.key}`}><${MessageText} body=${item.body} /></div>
    ${long && html`<button class="text-button bubble-fold" type="button" aria-expanded=${open} onClick=${() => setOpen(!open)}>${t(open ? "msg.less" : "msg.more")}</button>`}
    <${Meta} item=${item} />
  </div>`;
}

/** @param {MessageItem} item @param {boolean} direct @param {{ fresh: boolean, highlighted: boolean }} how */
function classesOf(item, direct, { fresh, highlighted }) {
  return [
    "message",
    item.mine && "message-own",
    direct && "message-direct",
    !item.first && "message-grouped",
    item.deleted && "message-deleted",
    item.delivery === "failed" && "message-failed",
    item.item && item.delivery === "waiting" && "message-waiting",
    fresh && "message-enter",
    highlighted && "message-highlight",
  ].filter(Boolean).join(" ");
}

/**
 * One message with its author, quote, text, marks and actions.
 * @param {{
 *   item: MessageItem, conversation: string, direct: boolean, active: boolean, fresh: boolean,
 *   highlighted: boolean, onGo: (id: string) => void,
 * }} props
 */
export function Message({ item, conversation, direct, active, fresh, highlighted, onGo }) {
  const app = useApp();
  const commands = active ? commandsFor(app, conversation, item) : [];
  const state = app.state.peek();
  const home = state.conversations[conversation];
  const author = item.mine || !home ? t("msg.you") : nameOf(state, home, item.sender);
  const quoted = item.quote && home?.messages[item.quote.id]?.sender;
  return html`<div class=${classesOf(item, direct, { fresh, highlighted })}>
    ${item.showAvatar && item.sender ? html`<${Avatar} id=${item.sender} name=${author} />` : !item.mine && !direct && html`<span></span>`}
    <div class="message-column">
      <div class="bubble">
        ${item.showName && item.sender
          ? html`<span class="bubble-author" id=${`a-${item.key}`} data-hue=${hueOf(item.sender)}><bdi>${author}</bdi></span>`
          : html`<span class="visually-hidden" id=${`a-${item.key}`}>${author}</span>`}
        ${item.quote && html`<${MessageQuote} quote=${item.quote} hue=${quoted ? hueOf(quoted) : undefined} onGo=${onGo} />`}
        <${Body} item=${item} />
        ${commands.length > 0 && html`<${MessageToolbar} commands=${commands} />`}
      </div>
      ${item.item && item.delivery === "failed" && html`<${FailedActions} item=${item.item} onEdit=${() => startEdit(conversation, item)} />`}
    </div>
  </div>`;
}
