/**
 * The list of conversations.
 *
 * @typedef {import("./types.js").State} State
 * @typedef {import("./types.js").Conversation} Conversation
 * @typedef {import("./types.js").DeliveryState} DeliveryState
 * @typedef {{ kind: "text" | "deleted" | "system" | "none", text: string, author: string | null, mine: boolean }} Preview
 * @typedef {{
 *   id: string, title: string, kind: "direct" | "group", pinned: boolean, time: string,
 *   unread: number, mentions: number, muted: boolean, online: boolean, otherId: string | null,
 *   preview: Preview, draft: string | null, status: DeliveryState | null, typing: string[]
 * }} ListEntry
 */
import { excerpt } from "app/core/format.js";
import * as select from "app/core/conversation.js";

/**
 * Pinned first, then by last activity.
 * @param {State} state
 * @param {{ filter?: "all" | "unread" | "direct" | "groups", query?: string, now: number }} options
 * @returns {ListEntry[]}
 */
export function conversationList(state, { filter = "all", query = "", now }) {
  const wanted = folded(query.trim());
  return Object.values(state.conversations)
    .filter((conversation) => passes(conversation, filter))
    .map((conversation) => entryOf(state, conversation, now))
    .filter((entry) => wanted === "" || folded(entry.title).includes(wanted))
    .sort((a, b) => Number(b.pinned) - Number(a.pinned) || later(b.time, a.time) || (a.id < b.id ? -1 : 1));
}

/**
 * Without case and accents, to search in.
 * @param {string} text
 */
function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/**
 * @param {string} a
 * @param {string} b
 */
function later(a, b) {
  return Date.parse(a) - Date.parse(b);
}

/**
 * @param {Conversation} conversation
 * @param {"all" | "unread" | "direct" | "groups"} filter
 */
function passes({ row }, filter) {
  if (filter === "unread") return row.me.unread > 0;
  if (filter === "direct") return row.kind === "direct";
  return filter === "groups" ? row.kind === "group" : true;
}

/**
 * @param {State} state
 * @param {Conversation} conversation
 * @param {number} now
 * @returns {ListEntry}
 */
function entryOf(state, conversation, now) {
  const { row } = conversation;
  const other = select.otherMember(state, conversation);
  const queued = select.outboxOf(state, row.id);
  const last = select.lastMessage(conversation);
  const newest = queued.at(-1);
  return {
    id: row.id,
    title: select.titleOf(state, conversation),
    kind: row.kind,
    pinned: row.me.pinned,
    time: newest?.created_at ?? last?.created_at ?? row.created_at,
    unread: row.me.unread,
    mentions: row.me.mentions,
    muted: select.isMuted(conversation, now),
    online: other !== null && state.presence[other.user.id] === true,
    otherId: other?.user.id ?? null,
    preview: previewOf(state, conversation),
    draft: state.drafts[row.id] || null,
    status: statusOf(state, conversation),
    typing: select.typingNames(state, conversation),
  };
}

/**
 * @param {State} state
 * @param {Conversation} conversation
 * @returns {Preview}
 */
function previewOf(state, conversation) {
  const queued = select.outboxOf(state, conversation.row.id).at(-1);
  if (queued) return { kind: "text", text: excerpt(queued.body), author: null, mine: true };
  const last = select.lastMessage(conversation);
  if (!last) return { kind: "none", text: "", author: null, mine: false };
  const mine = last.sender === state.user?.id;
  const author = mine || conversation.row.kind === "direct"
    ? null
    : select.nameOf(state, conversation, last.sender);
  if (last.deleted_at !== null) return { kind: "deleted", text: "", author, mine };
  if (last.kind === "system") {
    return { kind: "system", text: last.body, author: select.nameOf(state, conversation, last.sender), mine };
  }
  return { kind: "text", text: excerptOf(last), author, mine };
}

/** @type {WeakMap<import("./types.js").MessageRow, string>} the list is made anew with every change */
const excerpts = new WeakMap();

/** @param {import("./types.js").MessageRow} message */
function excerptOf(message) {
  let text = excerpts.get(message);
  if (text === undefined) {
    text = excerpt(message.body);
    excerpts.set(message, text);
  }
  return text;
}

/**
 * The state of the own last message; what was refused anywhere in here comes first.
 * @param {State} state
 * @param {Conversation} conversation
 * @returns {DeliveryState | null}
 */
function statusOf(state, conversation) {
  const queued = select.outboxOf(state, conversation.row.id);
  if (queued.some((item) => item.state === "failed")) return "failed";
  if (queued.length > 0) return queued[0].state;
  const last = select.lastMessage(conversation);
  if (!last || last.sender !== state.user?.id || last.kind === "system" || last.deleted_at !== null) return null;
  return select.deliveryState(state, last);
}
