import { messagesOf, timeline, titleOf } from "app/core/select.js";
import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { say } from "app/ui/announcer.js";
import { isConnected } from "app/ui/connection-words.js";
import { useApp, useSelect } from "app/ui/context.js";
import { entriesOf, EntryRow } from "app/ui/entry.js";
import { onFeedKey } from "app/ui/feed-keys.js";
import { commandsFor } from "app/ui/message-commands.js";
import { openMessageMenu } from "app/ui/message-menu.js";
import { t } from "app/ui/strings.js";
import { TimelinePills } from "app/ui/timeline-pills.js";
import { today } from "app/ui/times.js";
import { useHistory } from "app/ui/use-history.js";
import { useReadPointer } from "app/ui/use-read-pointer.js";
import { placeOf, useScroll } from "app/ui/use-scroll.js";
import { useVisit } from "app/ui/use-visit.js";

const HIGHLIGHT_MS = 2400;

/** Unread messages that are neither in view nor below it. @param {import("app/core/types.js").Conversation} conversation @param {number} topSeq @param {string | null} me */
function unreadAbove(conversation, topSeq, me) {
  const { read_seq, unread } = conversation.row.me;
  if (unread === 0 || topSeq <= read_seq + 1) return 0;
  const below = messagesOf(conversation).filter((row) => row.seq >= Math.max(topSeq, read_seq + 1) && row.sender !== me).length;
  return Math.max(0, unread - below);
}

/** The messages of one conversation. @param {{ id: string }} props */
export function Timeline({ id }) {
  const app = useApp();
  const conversation = useSelect((state) => state.conversations[id], [id]);
  const me = useSelect((state) => state.user?.id ?? null);
  const title = useSelect((state) => (state.conversations[id] ? titleOf(state, state.conversations[id]) : ""), [id]);
  const lostAt = useSelect((state) => (isConnected(state.connection) || state.connection.state === "connecting" || state.connection.state === "catching-up" ? null : state.connection.lastConnectedAt));
  const visit = useVisit(conversation, me);
  const outbox = useSelect((state) => state.outbox);
  const entries = useMemo(() => {
    const items = timeline(app.state.peek(), id, { unreadFrom: visit.from, unreadCount: visit.count });
    return entriesOf(items, lostAt);
  }, [id, conversation, outbox, me, visit.from, visit.count, lostAt, today.value]);
  const { scroller, inner, atEnd, topSeq, toEnd, toElement, keep } = useScroll(id);
  const history = useHistory(id, conversation.hasBefore, scroller);
  useReadPointer(id, scroller, inner);

  const stop = useSignal(/** @type {string | null} */ (null));
  const focused = useSignal(/** @type {string | null} */ (null));
  const pointed = useSignal(/** @type {string | null} */ (null));
  const highlighted = useSignal(/** @type {string | null} */ (null));
  const endSeq = useRef(conversation.row.last_seq);
  const settled = useRef(false);
  const known = useRef(/** @type {Set<string> | null} */ (null));

  const articleOf = (/** @type {string} */ selector) => inner.current?.querySelector(`article${selector}`) ?? null;

  const goTo = useMemo(() => (/** @type {string} */ key) => {
    const article = articleOf(`[data-key="${CSS.escape(key)}"]`);
    if (!(article instanceof HTMLElement)) return;
    toElement(article);
    article.focus({ preventScroll: true });
    highlighted.value = key;
    setTimeout(() => { if (highlighted.peek() === key) highlighted.value = null; }, HIGHLIGHT_MS);
  }, [id]);

  const goToUnread = async () => {
    const first = conversation.row.me.read_seq + 1;
    const oldest = () => app.state.peek().conversations[id]?.oldestSeq ?? first;
    while (oldest() > first && (await history.loadOlder())) { /* Page by page, until the line is here. */ }
    requestAnimationFrame(() => {
      const mark = inner.current?.querySelector(".unread-line") ?? [...(inner.current?.querySelectorAll("article[data-seq]") ?? [])]
        .find((article) => Number(article.getAttribute("data-seq")) >= first);
      if (mark) toElement(mark);
    });
  };

  // Where the visit begins: at the unread line, or where the conversation was left, or at the end.
  useLayoutEffect(() => {
    const line = inner.current?.querySelector(".unread-line");
    const place = placeOf(id);
    if (line && !settled.current) {
      settled.current = true;
      toElement(line);
    } else if (place && known.current === null) {
      const article = articleOf(`[data-seq="${place.seq}"]`);
      if (article) toElement(article, place.offset);
    }
  }, [visit.from]);

  // Own new messages bring the reader to the end; others' only count.
  const lastKey = entries.at(-1)?.item.key ?? null;
  const lastMine = entries.at(-1)?.item;
  useLayoutEffect(() => {
    const fresh = known.current !== null && lastKey !== null && !known.current.has(lastKey);
    if (fresh && lastMine?.type === "message" && lastMine.item) toEnd();
    known.current = new Set(entries.map((entry) => entry.item.key));
    keep();
  }, [entries]);
  if (atEnd.value) endSeq.current = conversation.row.last_seq;

  const oldest = useRef(conversation.oldestSeq);
  useEffect(() => {
    const before = oldest.current;
    oldest.current = conversation.oldestSeq;
    if (before === null || conversation.oldestSeq === null || conversation.oldestSeq >= before) return;
    if (document.activeElement?.tagName === "ARTICLE") say(t("conv.older.loaded", { n: before - conversation.oldestSeq }));
  }, [conversation.oldestSeq]);

  const news = messagesOf(conversation).filter((row) => row.seq > endSeq.current && row.sender !== me).length;
  const tabStop = stop.value !== null && entries.some((entry) => entry.item.key === stop.value) ? stop.value : lastKey;
  const commandsOf = (/** @type {string} */ key) => {
    const item = entries.find((entry) => entry.item.key === key)?.item;
    return item?.type === "message" ? commandsFor(app, id, item) : [];
  };
  const keyOf = (/** @type {Event} */ event) => /** @type {Element} */ (event.target).closest?.("article")?.getAttribute("data-key") ?? null;
  /** @param {MouseEvent} event */
  const onContextMenu = (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const key = keyOf(event);
    if (!key || target.closest("a") || !target.closest(".bubble") || String(getSelection()).length > 0) return;
    event.preventDefault();
    openMessageMenu({ x: event.clientX, y: event.clientY, commands: commandsOf(key), opener: target.closest("article") });
  };

  return html`<div class="timeline-area">
    <div class="timeline" ref=${scroller} tabindex="-1">
      <div class="timeline-inner" ref=${inner}>
        ${conversation.hasBefore
          ? html`<div class="history-state" ref=${history.sentinel}>
            ${history.state.value === "loading" && t("conv.older.loading")}
            ${history.state.value === "failed" && html`${t("conv.older.failed")} <button class="text-button" type="button" onClick=${history.loadOlder}>${t("error.again")}</button>`}
          </div>`
          : html`<p class="timeline-start">${t("conv.start", { name: title })}</p>`}
        <div role="feed" aria-label=${t("conv.messages", { name: title })} aria-busy=${history.state.value === "loading"}
          onFocusIn=${(/** @type {FocusEvent} */ event) => { focused.value = stop.value = keyOf(event); }} onFocusOut=${() => { focused.value = null; }}
          onPointerOver=${(/** @type {PointerEvent} */ event) => { if (event.pointerType !== "touch") pointed.value = keyOf(event); }}
          onPointerLeave=${() => { pointed.value = null; }}
          onKeyDown=${(/** @type {KeyboardEvent} */ event) => inner.current && onFeedKey(event, inner.current, commandsOf)}
          onContextMenu=${onContextMenu}>
          ${entries.map((entry) => html`<${EntryRow} key=${entry.item.key} ...${entry} conversation=${id} direct=${conversation.row.kind === "direct"}
            tabbable=${entry.item.key === tabStop} active=${entry.item.key === pointed.value || entry.item.key === focused.value}
            fresh=${known.current !== null && !known.current.has(entry.item.key) && atEnd.peek()}
            highlighted=${entry.item.key === highlighted.value} size=${conversation.row.last_seq} onGo=${goTo} />`)}
        </div>
      </div>
    </div>
    <${TimelinePills} atEnd=${atEnd.value} fresh=${news} above=${unreadAbove(conversation, topSeq.value, me)} onEnd=${toEnd} onAbove=${goToUnread}
      onReadAll=${() => app.conversations.markRead(id, conversation.row.last_seq)} />
  </div>`;
}
