/**
 * Durable events: live changes of one row each, and `sync`, which brings many.
 *
 * @typedef {import("./types.js").DurableEvent} DurableEvent
 * @typedef {Extract<import("./types.js").ServerEvent, { type: "receipt" }>} ReceiptEvent
 * @typedef {import("./types.js").SyncFrame} SyncFrame
 * @typedef {import("./types.js").WireConversation} WireConversation
 * @typedef {import("./types.js").MessageRow} MessageRow
 * @typedef {import("./changes.js").Changes} Changes
 */
import { advanceReceipt, applyReceipt } from "app/core/ephemeral.js";
import { countUp, newConversation, putConversation, putMe, putMember, putMessage } from "app/core/rows.js";
import { arrived, confirmed } from "app/core/sequence.js";

/** Live events kept for a conversation that is not here yet; the sync that brings it has the rest. */
const ORPHANS = 200;

/**
 * A live event. Its row is applied whatever its version; the version says whether something
 * before it is missing.
 * @param {Changes} changes
 * @param {DurableEvent} event
 * @param {number} now
 */
export function applyLive(changes, event, now) {
  const id = event.conversation;
  if (!changes.state.conversations[id]) {
    if (event.type !== "conversation") return keepOrphan(changes, event, now);
    adopt(changes, { ...event.data, version: 0 });
    adoptOrphans(changes, id, now);
  }
  if (event.type === "message") applyMessage(changes, event.data);
  else if (event.type === "member") putMember(changes, event.data);
  else putConversation(changes, event.data);
  countUp(changes, id, { version: event.version });
  markArrived(changes, id, event.version, now);
}

/**
 * @param {Changes} changes
 * @param {MessageRow} row
 */
function applyMessage(changes, row) {
  const old = changes.state.conversations[row.conversation].messages[row.id];
  const news = putMessage(changes, row);
  countUp(changes, row.conversation, { last_seq: row.seq });
  if (row.sender !== null) stopTyping(changes, row.conversation, row.sender);
  const { state } = changes;
  const { me } = state.conversations[row.conversation].row;
  if (news === "old" || row.sender === state.user?.id || row.seq <= me.read_seq) return;
  // An edit can mention somebody, or not any more; a deleted message mentions nobody.
  const mentioned = Number(mentions(row, state.user)) - Number(old !== undefined && mentions(old, state.user));
  const unread = news === "new" ? 1 : 0;
  if (unread === 0 && mentioned === 0) return;
  putMe(changes, row.conversation, {
    unread: me.unread + unread,
    mentions: Math.max(0, me.mentions + mentioned),
  });
}

/**
 * @param {MessageRow} row
 * @param {import("./types.js").User | null} user
 */
function mentions(row, user) {
  return user !== null && row.mentions.includes(user.id);
}

/**
 * @param {Changes} changes
 * @param {string} id conversation
 * @param {string} user
 */
function stopTyping(changes, id, user) {
  if (user in changes.state.conversations[id].typing) delete changes.part(id, "typing")[user];
}

/**
 * @param {Changes} changes
 * @param {string} id conversation
 * @param {number} version
 * @param {number} now
 */
function markArrived(changes, id, version, now) {
  const { known, ahead } = changes.state.conversations[id];
  // During a reset nothing below is known: everything waits for the version that it ends with.
  const next = known === null
    ? { known, ahead: arrived({ known: -1, ahead }, version).ahead }
    : arrived({ known, ahead }, version);
  setPosition(changes, id, next, now);
}

/**
 * @param {Changes} changes
 * @param {string} id conversation
 * @param {{ known: number | null, ahead: number[] }} position
 * @param {number} now
 */
function setPosition(changes, id, { known, ahead }, now) {
  const conversation = changes.conversation(id);
  conversation.known = known;
  conversation.ahead = ahead;
  const incomplete = known !== null && (ahead.length > 0 || conversation.doubtful);
  conversation.gapSince = incomplete ? (conversation.gapSince ?? now) : null;
}

/**
 * Rows since a version, or all that is worth having anew.
 * @param {Changes} changes
 * @param {SyncFrame} frame
 * @param {number} now
 */
export function applySync(changes, frame, now) {
  const id = frame.conversation;
  if (!changes.state.conversations[id]) {
    // A remainder for a conversation that was removed meanwhile says nothing.
    if (!frame.reset && frame.from > 0) return;
    adopt(changes, { ...frame.data, version: 0 });
  }
  if (frame.reset) beginReset(changes, frame);
  const filling = changes.state.conversations[id].known === null;
  for (const row of frame.members) putMember(changes, row);
  for (const row of frame.messages) {
    putMessage(changes, row);
    countUp(changes, id, { version: row.version, last_seq: row.seq });
  }
  // After the messages: rows may be newer than the counts in `data`, and are counted on top.
  putConversation(changes, frame.data);
  for (const receipt of frame.receipts) advanceReceipt(changes, id, receipt);
  if (filling) lowerWindow(changes, id, frame.messages);
  if (!frame.more) finishSync(changes, frame, now);
  adoptOrphans(changes, id, now);
}

/**
 * Drops the mirror of the conversation, but not what live events have made newer already.
 * @param {Changes} changes
 * @param {SyncFrame} frame
 */
function beginReset(changes, frame) {
  const conversation = changes.conversation(frame.conversation);
  const at = frame.data.version;
  // This device has more than the server says there is. If that is a restored backup, nothing of
  // it counts; if the answer was overtaken by live events, asking again brings them back.
  conversation.doubtful = conversation.known !== null && conversation.known > at;
  const keepAbove = conversation.doubtful ? Infinity : at;
  conversation.ahead = conversation.ahead.filter((version) => version > keepAbove);
  conversation.known = null;
  conversation.gapSince = null;
  conversation.messages = newerThan(keepAbove, conversation.messages);
  conversation.members = newerThan(keepAbove, conversation.members);
  conversation.oldestSeq = null;
  conversation.hasBefore = false;
  if (conversation.doubtful) conversation.rowAt = Math.min(conversation.rowAt, at);
  conversation.row = {
    ...conversation.row,
    version: Math.max(0, ...conversation.ahead),
    last_seq: Math.max(0, ...Object.values(conversation.messages).map((message) => message.seq)),
  };
}

/**
 * @template {{ version: number }} Row
 * @param {number} version
 * @param {Record<string, Row>} rows
 * @returns {Record<string, Row>}
 */
function newerThan(version, rows) {
  return Object.fromEntries(Object.entries(rows).filter(([, row]) => row.version > version));
}

/**
 * The page that a reset brings is one piece that reaches to the end; the window starts with it.
 * @param {Changes} changes
 * @param {string} id conversation
 * @param {MessageRow[]} messages
 */
function lowerWindow(changes, id, messages) {
  if (messages.length === 0) return;
  const conversation = changes.conversation(id);
  const lowest = messages.reduce((seq, row) => Math.min(seq, row.seq), Infinity);
  conversation.oldestSeq = Math.min(conversation.oldestSeq ?? Infinity, lowest);
  conversation.hasBefore = conversation.oldestSeq > 1;
}

/**
 * @param {Changes} changes
 * @param {SyncFrame} frame
 * @param {number} now
 */
function finishSync(changes, frame, now) {
  const { known, ahead, oldestSeq } = changes.state.conversations[frame.conversation];
  if (known !== null && frame.from > known) return; // Answers a question that this device didn't ask.
  const conversation = changes.conversation(frame.conversation);
  if (oldestSeq === null) {
    conversation.oldestSeq = frame.data.last_seq + 1;
    conversation.hasBefore = conversation.oldestSeq > 1;
  }
  countUp(changes, frame.conversation, { version: frame.to });
  conversation.gapSince = null;
  const position = confirmed({ known: known ?? frame.to, ahead }, frame.to);
  setPosition(changes, frame.conversation, position, now);
}

/**
 * @param {Changes} changes
 * @param {WireConversation} data
 */
function adopt(changes, data) {
  changes.put(newConversation(data));
}

/**
 * Keeps a live event of a conversation that is not here yet.
 * @param {Changes} changes
 * @param {DurableEvent | ReceiptEvent} event
 * @param {number} now
 */
export function keepOrphan(changes, event, now) {
  const kept = changes.state.orphans[event.conversation] ?? { since: now, events: [] };
  changes.map("orphans")[event.conversation] = {
    since: kept.since,
    events: [...kept.events, event].slice(-ORPHANS),
  };
}

/**
 * @param {Changes} changes
 * @param {string} id conversation that is here now
 * @param {number} now
 */
function adoptOrphans(changes, id, now) {
  const kept = changes.state.orphans[id];
  if (!kept) return;
  delete changes.map("orphans")[id];
  for (const event of kept.events) {
    if (event.type === "receipt") adoptReceipt(changes, event);
    else applyLive(changes, event, now);
  }
}

/**
 * The sync that brought the conversation knew this position or one before it.
 * @param {Changes} changes
 * @param {ReceiptEvent} event
 */
function adoptReceipt(changes, event) {
  const { me } = changes.state.conversations[event.conversation].row;
  // Counts belong to a position: those that came with the same one are newer than these.
  if (event.read_seq > me.read_seq) applyReceipt(changes, event);
  else advanceReceipt(changes, event.conversation, event);
}
