/**
 * What this device tells its own store: answers of REST, the connection, the outbox, drafts.
 *
 * @typedef {import("./types.js").LocalEvent} LocalEvent
 * @typedef {import("./types.js").WireConversation} WireConversation
 * @typedef {import("./changes.js").Changes} Changes
 */
import { expireTyping, forgetStates } from "app/core/ephemeral.js";
import * as outbox from "app/core/outbox.js";
import { newConversation, putConversation, putMember, putMessage, readUpTo } from "app/core/rows.js";

/**
 * @param {Changes} changes
 * @param {LocalEvent} event
 * @param {number} now
 */
export function applyLocal(changes, event, now) {
  const { state } = changes;
  switch (event.type) {
    case "local.restore":
      Object.assign(state, event.state);
      return;
    case "local.user":
      state.user = event.user;
      state.session = event.session;
      return;
    case "local.connection":
      state.connection = { ...state.connection, ...event.patch };
      return;
    case "local.disconnected":
      state.connection = { ...state.connection, rtt: null, ...event.patch };
      state.outbox = outbox.disconnected(state.outbox);
      state.statesDue = false;
      return forgetStates(changes);
    case "local.sync_sent":
      return syncSent(changes, event, now);
    case "local.row":
      return adoptRow(changes, event.data, now);
    case "local.message":
      if (state.conversations[event.data.conversation]) putMessage(changes, event.data);
      return;
    case "local.member":
      if (state.conversations[event.data.conversation]) putMember(changes, event.data);
      return;
    case "local.page":
      return putPage(changes, event);
    case "local.read":
      return readUpTo(changes, event.conversation, event.seq);
    case "local.draft":
      return setDraft(changes, event.conversation, event.text);
    case "local.drafts":
      state.drafts = event.drafts;
      return;
    case "local.tick":
      return expireTyping(changes, now);
    case "local.outbox.put":
      state.outbox = outbox.merged(state.outbox, event.items);
      return;
    case "local.outbox.remove":
      state.outbox = state.outbox.filter((item) => item.id !== event.id);
      return;
    case "local.outbox.sending":
      state.outbox = outbox.sending(state.outbox, event.id, now);
  }
}

/**
 * What was missing has been asked for: patience starts anew.
 * @param {Changes} changes
 * @param {Extract<LocalEvent, { type: "local.sync_sent" }>} event
 * @param {number} now
 */
function syncSent(changes, { states, conversations }, now) {
  const { state } = changes;
  if (states) state.statesDue = true;
  for (const id of conversations ?? Object.keys(state.conversations)) {
    const asked = state.conversations[id];
    if (!asked || asked.gapSince === null) continue;
    const conversation = changes.conversation(id);
    conversation.doubtful = false;
    conversation.gapSince = asked.known === null || asked.ahead.length > 0 ? now : null;
  }
  for (const id of conversations ?? Object.keys(state.orphans)) {
    const kept = state.orphans[id];
    if (kept) changes.map("orphans")[id] = { ...kept, since: now };
  }
}

/**
 * A conversation's row from REST. If it is new here, the rest of it is missing: as with any gap.
 * @param {Changes} changes
 * @param {WireConversation} data
 * @param {number} now
 */
function adoptRow(changes, data, now) {
  if (changes.state.conversations[data.id]) return putConversation(changes, data);
  changes.put({ ...newConversation(data), known: null, oldestSeq: null, gapSince: now });
}

/**
 * A page of older history. It widens the window only if it was asked for at the window's edge.
 * @param {Changes} changes
 * @param {Extract<LocalEvent, { type: "local.page" }>} event
 */
function putPage(changes, { conversation: id, before, messages, has_before }) {
  const asked = changes.state.conversations[id];
  if (!asked) return;
  const atTheEdge = asked.oldestSeq === before;
  for (const row of [...messages].sort((a, b) => b.seq - a.seq)) putMessage(changes, row);
  if (atTheEdge) changes.conversation(id).hasBefore = has_before && messages.length > 0;
}

/**
 * @param {Changes} changes
 * @param {string} id conversation
 * @param {string} text the beginning of the draft; empty: there is none
 */
function setDraft(changes, id, text) {
  if ((changes.state.drafts[id] ?? "") === text) return;
  const drafts = changes.map("drafts");
  if (text) drafts[id] = text;
  else delete drafts[id];
}
