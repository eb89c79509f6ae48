/**
 * Upserts of single rows: by id, the higher version stays. Idempotent and indifferent to order.
 *
 * @typedef {import("./types.js").Conversation} Conversation
 * @typedef {import("./types.js").MessageRow} MessageRow
 * @typedef {import("./types.js").MemberRow} MemberRow
 * @typedef {import("./types.js").Me} Me
 * @typedef {import("./types.js").WireConversation} WireConversation
 * @typedef {import("./changes.js").Changes} Changes
 */

/** @type {Me} */
const STRANGER = { role: "member", read_seq: 0, unread: 0, mentions: 0, muted_until: null, pinned: false };

/**
 * A conversation of which nothing but perhaps its row is known.
 * @param {WireConversation} data
 * @returns {Conversation}
 */
export function newConversation(data) {
  return {
    row: { ...data, me: data.me ?? STRANGER },
    known: 0,
    ahead: [],
    members: {},
    messages: {},
    receipts: {},
    oldestSeq: 1,
    hasBefore: false,
    typing: {},
    gapSince: null,
    rowAt: data.version,
    doubtful: false,
  };
}

/**
 * The message's row, whether new, changed, or long known.
 * @param {Changes} changes
 * @param {MessageRow} row
 * @returns {"new" | "changed" | "old"} a message that this device had not seen; a change of one
 *   that it has; or nothing that counts: overtaken, or out of the loaded window
 */
export function putMessage(changes, row) {
  const conversation = changes.state.conversations[row.conversation];
  const old = conversation.messages[row.id];
  extendWindow(changes, row);
  if (old && old.version > row.version) return "old";
  changes.part(row.conversation, "messages")[row.id] = row;
  if (changes.state.outbox.some((item) => item.id === row.id)) {
    changes.state.outbox = changes.state.outbox.filter((item) => item.id !== row.id);
  }
  if (conversation.oldestSeq === null || row.seq < conversation.oldestSeq) return "old";
  return old ? "changed" : "new";
}

/**
 * @param {Changes} changes
 * @param {MessageRow} row
 */
function extendWindow(changes, row) {
  const { oldestSeq } = changes.state.conversations[row.conversation];
  if (oldestSeq === null || row.seq !== oldestSeq - 1) return;
  const conversation = changes.conversation(row.conversation);
  conversation.oldestSeq = row.seq;
  conversation.hasBefore &&= row.seq > 1;
}

/**
 * @param {Changes} changes
 * @param {MemberRow} row
 */
export function putMember(changes, row) {
  const old = changes.state.conversations[row.conversation].members[row.user.id];
  if (old && old.version > row.version) return;
  changes.part(row.conversation, "members")[row.user.id] = row;
  if (row.user.id === changes.state.user?.id) putMe(changes, row.conversation, { role: row.role });
  if (row.left_at !== null) delete changes.part(row.conversation, "typing")[row.user.id];
}

/**
 * The conversation's own row. `row.version` and `row.last_seq` are counters that other rows move
 * too, so what decides is `rowAt`, the version at which this content was read.
 * @param {Changes} changes
 * @param {WireConversation} data
 */
export function putConversation(changes, data) {
  const conversation = changes.conversation(data.id);
  const old = conversation.row;
  if (data.version < conversation.rowAt) {
    // Older than what came live meanwhile; but `me` comes with snapshots only.
    if (data.me) {
      const me = laterMe(conversation, data.me, data.last_seq, changes.state.user?.id);
      conversation.row = { ...old, me };
    }
    return;
  }
  conversation.rowAt = data.version;
  conversation.row = {
    ...data,
    version: Math.max(old.version, data.version),
    last_seq: Math.max(old.last_seq, data.last_seq),
    me: data.me ? laterMe(conversation, data.me, data.last_seq, changes.state.user?.id) : old.me,
  };
}

/**
 * The server's `me`, brought up to what this device already knows beyond it: messages that came
 * while the snapshot was on its way, and reading that the server hasn't heard of. Where all that
 * is unread is loaded, it is simply counted.
 * @param {Conversation} conversation
 * @param {Me} me
 * @param {number} lastSeq of the snapshot
 * @param {string | undefined} userId
 * @returns {Me}
 */
function laterMe(conversation, me, lastSeq, userId) {
  const read = Math.max(me.read_seq, conversation.row.me.read_seq);
  const counted = countedAfter(conversation, read, userId);
  if (counted) return { ...me, read_seq: read, ...counted };
  const later = countAfter(conversation, Math.max(lastSeq, me.read_seq), userId);
  return { ...me, unread: me.unread + later.unread, mentions: me.mentions + later.mentions };
}

/**
 * How many messages of others, and mentions of this user, stand after `seq` in what is loaded.
 * @param {Conversation} conversation
 * @param {number} seq
 * @param {string | undefined} userId
 */
function countAfter(conversation, seq, userId) {
  let unread = 0;
  let mentions = 0;
  if (seq >= conversation.row.last_seq) return { unread, mentions };
  for (const message of Object.values(conversation.messages)) {
    if (message.seq <= seq || message.sender === userId) continue;
    unread += 1;
    if (userId && message.mentions.includes(userId)) mentions += 1;
  }
  return { unread, mentions };
}

/**
 * The same where everything after `seq` is loaded; else null.
 * @param {Conversation} conversation
 * @param {number} seq
 * @param {string | undefined} userId
 */
export function countedAfter(conversation, seq, userId) {
  const isLoaded = conversation.oldestSeq !== null && conversation.oldestSeq <= seq + 1;
  return isLoaded ? countAfter(conversation, seq, userId) : null;
}

/**
 * This user read up to `seq` on this device. Only forward.
 * @param {Changes} changes
 * @param {string} id conversation
 * @param {number} seq
 */
export function readUpTo(changes, id, seq) {
  const conversation = changes.state.conversations[id];
  if (!conversation || seq <= conversation.row.me.read_seq) return;
  const counts = countedAfter(conversation, seq, changes.state.user?.id) ?? {};
  putMe(changes, id, { read_seq: seq, ...counts });
}

/**
 * @param {Changes} changes
 * @param {string} id conversation
 * @param {Partial<Me>} patch
 */
export function putMe(changes, id, patch) {
  const conversation = changes.conversation(id);
  conversation.row = { ...conversation.row, me: { ...conversation.row.me, ...patch } };
}

/**
 * Moves the conversation's counters forward.
 * @param {Changes} changes
 * @param {string} id conversation
 * @param {{ version?: number, last_seq?: number }} counters
 */
export function countUp(changes, id, { version = 0, last_seq = 0 }) {
  const { row } = changes.state.conversations[id];
  if (version <= row.version && last_seq <= row.last_seq) return;
  changes.conversation(id).row = {
    ...row,
    version: Math.max(row.version, version),
    last_seq: Math.max(row.last_seq, last_seq),
  };
}
