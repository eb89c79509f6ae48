/**
 * One conversation as it is read: messages in order with what stands between them.
 *
 * @typedef {import("./types.js").State} State
 * @typedef {import("./types.js").Conversation} Conversation
 * @typedef {import("./types.js").MessageRow} MessageRow
 * @typedef {import("./types.js").OutboxItem} OutboxItem
 * @typedef {import("./types.js").DeliveryState} DeliveryState
 * @typedef {{ id: string, author: string, body: string, near: boolean, missing: boolean, deleted: boolean }} Quote
 * @typedef {{
 *   type: "message", key: string, message: MessageRow | null, item: OutboxItem | null,
 *   body: string, created_at: string, sender: string | null, mine: boolean,
 *   first: boolean, last: boolean, showName: boolean, showAvatar: boolean,
 *   delivery: DeliveryState | null, quote: Quote | null, edited: boolean, deleted: boolean
 * }} MessageItem
 * @typedef {{ type: "day", key: string, day: string, at: string }
 *   | { type: "unread", key: string, from: number, count: number, since: string }
 *   | { type: "system", key: string, message: MessageRow, actor: string, text: string }
 *   | MessageItem} TimelineItem
 */
import { dayOf, excerpt } from "app/core/format.js";
import * as select from "app/core/conversation.js";

/** Messages of one author this close together stand as one group, ms. */
const GROUP_SPAN = 5 * 60_000;
/** A quote of one of this many messages before shrinks to one line. */
const NEAR = 3;

/**
 * @param {State} state
 * @param {string} conversationId
 * @param {{ timeZone?: string, unreadFrom?: number | null, unreadCount?: number }} [options]
 *   `unreadFrom`: the first unread `seq` when the conversation was opened; the line stands there
 * @returns {TimelineItem[]}
 */
export function timeline(state, conversationId, { timeZone, unreadFrom = null, unreadCount } = {}) {
  const conversation = state.conversations[conversationId];
  if (!conversation) return [];
  /** @type {TimelineItem[]} */
  const items = [];
  const rows = select.messagesOf(conversation);
  let day = "";
  let unreadDue = unreadFrom !== null;
  /** @param {string} at */
  const startDay = (at) => {
    const next = dayOf(at, timeZone);
    if (next === day) return;
    // A queued message may carry this device's clock, and that may be behind: no day goes back.
    if (day !== "" && next < day) return;
    day = next;
    items.push({ type: "day", key: `day-${day}`, day, at });
  };
  for (const [index, message] of rows.entries()) {
    startDay(message.created_at);
    if (unreadDue && unreadFrom !== null && message.seq >= unreadFrom) {
      unreadDue = false;
      const since = message.created_at;
      items.push({ type: "unread", key: "unread", from: unreadFrom, count: unreadCount ?? countFrom(state, rows, index), since });
    }
    items.push(message.kind === "system"
      ? { type: "system", key: message.id, message, actor: select.nameOf(state, conversation, message.sender), text: message.body }
      : messageItem(state, conversation, rows, index));
  }
  for (const item of select.outboxOf(state, conversationId)) {
    startDay(item.created_at);
    items.push(queuedItem(state, conversation, rows, item));
  }
  return grouped(items, conversation.row.kind === "group");
}

/**
 * @param {State} state
 * @param {MessageRow[]} rows
 * @param {number} from index
 */
function countFrom(state, rows, from) {
  return rows.slice(from).filter((message) => message.sender !== state.user?.id).length;
}

/**
 * @param {State} state
 * @param {Conversation} conversation
 * @param {MessageRow[]} rows
 * @param {number} index
 * @returns {MessageItem}
 */
function messageItem(state, conversation, rows, index) {
  const message = rows[index];
  const mine = message.sender === state.user?.id;
  const near = rows.slice(Math.max(0, index - NEAR), index);
  const deleted = message.deleted_at !== null;
  return {
    type: "message", key: message.id, message, item: null,
    body: message.body, created_at: message.created_at, sender: message.sender, mine,
    first: true, last: true, showName: false, showAvatar: false,
    delivery: mine && !deleted ? select.deliveryState(state, message) : null,
    quote: deleted ? null : quoteOf(state, conversation, message.reply_to, near),
    edited: message.edited_at !== null && !deleted,
    deleted,
  };
}

/**
 * @param {State} state
 * @param {Conversation} conversation
 * @param {MessageRow[]} rows
 * @param {OutboxItem} item
 * @returns {MessageItem}
 */
function queuedItem(state, conversation, rows, item) {
  return {
    type: "message", key: item.id, message: null, item,
    body: item.body, created_at: item.created_at, sender: state.user?.id ?? null, mine: true,
    first: true, last: true, showName: false, showAvatar: false,
    delivery: item.state,
    quote: quoteOf(state, conversation, item.reply_to, rows.slice(-NEAR)),
    edited: false, deleted: false,
  };
}

/**
 * @param {State} state
 * @param {Conversation} conversation
 * @param {string | null} id of the message replied to
 * @param {MessageRow[]} near the messages just before the reply
 * @returns {Quote | null}
 */
function quoteOf(state, conversation, id, near) {
  if (id === null) return null;
  const original = conversation.messages[id];
  if (!original) return { id, author: "", body: "", near: false, missing: true, deleted: false };
  return {
    id,
    author: select.nameOf(state, conversation, original.sender),
    body: excerpt(original.body),
    near: near.some((message) => message.id === id),
    missing: false,
    deleted: original.deleted_at !== null,
  };
}

/**
 * Marks where groups of one author's messages begin and end.
 * @param {TimelineItem[]} items
 * @param {boolean} inGroup whether others' names and avatars are shown at all
 */
function grouped(items, inGroup) {
  return items.map((item, index) => {
    if (item.type !== "message") return item;
    const first = !continues(items[index - 1], item);
    const last = !continues(item, items[index + 1]);
    const shown = inGroup && !item.mine;
    return { ...item, first, last, showName: shown && first, showAvatar: shown && last };
  });
}

/**
 * @param {TimelineItem | undefined} before
 * @param {TimelineItem | undefined} item
 */
function continues(before, item) {
  if (before?.type !== "message" || item?.type !== "message") return false;
  return before.sender === item.sender && item.quote === null
    && Math.abs(Date.parse(item.created_at) - Date.parse(before.created_at)) <= GROUP_SPAN;
}
