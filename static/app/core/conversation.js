/**
 * What one conversation, and the outbox, look like to this user. Pure; sorted messages are
 * remembered per map.
 *
 * @typedef {import("./types.js").State} State
 * @typedef {import("./types.js").Conversation} Conversation
 * @typedef {import("./types.js").MessageRow} MessageRow
 * @typedef {import("./types.js").MemberRow} MemberRow
 * @typedef {import("./types.js").OutboxItem} OutboxItem
 * @typedef {import("./types.js").DeliveryState} DeliveryState
 */

/** @type {WeakMap<Record<string, MessageRow>, MessageRow[]>} */
const sorted = new WeakMap();

/**
 * The messages of the loaded window, by `seq`: what reaches to the end without a hole.
 * @param {Conversation} conversation
 * @returns {MessageRow[]}
 */
export function messagesOf(conversation) {
  let all = sorted.get(conversation.messages);
  if (!all) {
    all = Object.values(conversation.messages).sort((a, b) => a.seq - b.seq);
    sorted.set(conversation.messages, all);
  }
  const { oldestSeq } = conversation;
  if (oldestSeq === null || all.length === 0 || all[0].seq >= oldestSeq) return all;
  return all.filter((message) => message.seq >= oldestSeq);
}

/**
 * The newest message that is loaded.
 * @param {Conversation} conversation
 */
export function lastMessage(conversation) {
  return messagesOf(conversation).at(-1) ?? null;
}

/**
 * @param {Conversation} conversation
 * @param {string} id
 */
export function messageById(conversation, id) {
  return conversation.messages[id] ?? null;
}

const RANK = { owner: 0, admin: 1, member: 2 };

/**
 * Who is in the conversation now: owner, admins, members, each by name.
 * @param {Conversation} conversation
 * @returns {MemberRow[]}
 */
export function membersOf(conversation) {
  return Object.values(conversation.members)
    .filter((member) => member.left_at === null)
    .sort((a, b) => RANK[a.role] - RANK[b.role] || a.user.display_name.localeCompare(b.user.display_name));
}

/**
 * The other person of a direct conversation, also after they left; null in groups.
 * @param {State} state
 * @param {Conversation} conversation
 */
export function otherMember(state, conversation) {
  if (conversation.row.kind !== "direct") return null;
  return Object.values(conversation.members).find((member) => member.user.id !== state.user?.id) ?? null;
}

/**
 * @param {State} state
 * @param {Conversation} conversation
 */
export function titleOf(state, conversation) {
  if (conversation.row.kind === "group") return conversation.row.title;
  return otherMember(state, conversation)?.user.display_name || "Direct conversation";
}

/**
 * What to call a person in this conversation.
 * @param {State} state
 * @param {Conversation} conversation
 * @param {string | null} userId
 */
export function nameOf(state, conversation, userId) {
  if (userId === null) return "Someone";
  const user = conversation.members[userId]?.user ?? (state.user?.id === userId ? state.user : null);
  return user?.display_name || user?.username || "Someone";
}

/**
 * How far an own message got. Who counts are the others who were there when it was sent and
 * still are; with nobody else, it is simply sent.
 * @param {State} state
 * @param {MessageRow | OutboxItem} message
 * @returns {DeliveryState}
 */
export function deliveryState(state, message) {
  if ("tries" in message) return message.state;
  const conversation = state.conversations[message.conversation];
  if (!conversation) return "sent";
  /** @type {DeliveryState | null} */
  let furthest = null;
  for (const id in conversation.members) {
    if (!wasAddressed(conversation.members[id], message)) continue;
    const receipt = conversation.receipts[id];
    if (!receipt || receipt.delivered_seq < message.seq) return "sent";
    if (receipt.read_seq < message.seq) furthest = "delivered";
    else furthest ??= "read";
  }
  return furthest ?? "sent";
}

/**
 * @param {MemberRow} member
 * @param {MessageRow} message
 */
function wasAddressed(member, message) {
  // Both times are the server's, in one format: as texts they compare the same, and faster.
  return member.left_at === null && member.user.id !== message.sender && member.joined_at <= message.created_at;
}

/**
 * The others who have read the message.
 * @param {State} state
 * @param {MessageRow} message
 * @returns {string[]} user ids
 */
export function readersOf(state, message) {
  const conversation = state.conversations[message.conversation];
  if (!conversation) return [];
  return Object.keys(conversation.members)
    .filter((id) => wasAddressed(conversation.members[id], message))
    .filter((id) => (conversation.receipts[id]?.read_seq ?? 0) >= message.seq);
}

/**
 * @param {Conversation} conversation
 * @param {number} now
 */
export function isMuted(conversation, now) {
  const { muted_until: until } = conversation.row.me;
  return until !== null && Date.parse(until) > now;
}

/**
 * Whether this user may change the group and its members.
 * @param {Conversation} conversation
 */
export function canManage(conversation) {
  return conversation.row.kind === "group" && conversation.row.me.role !== "member";
}

/**
 * What counts towards the badge of the whole app: conversations that are not muted.
 * @param {State} state
 * @param {number} now
 */
export function unreadTotal(state, now) {
  let unread = 0;
  let mentions = 0;
  for (const conversation of Object.values(state.conversations)) {
    if (isMuted(conversation, now)) continue;
    unread += conversation.row.me.unread;
    mentions += conversation.row.me.mentions;
  }
  return { unread, mentions };
}

/**
 * @param {State} state
 * @param {string} conversationId
 * @returns {OutboxItem[]} in the order of sending
 */
export function outboxOf(state, conversationId) {
  return state.outbox.filter((item) => item.conversation === conversationId);
}

/** @param {State} state */
export function waitingCount(state) {
  return state.outbox.filter((item) => item.state !== "failed").length;
}

/** @param {State} state */
export function failedCount(state) {
  return state.outbox.filter((item) => item.state === "failed").length;
}

/**
 * Who is typing here, by name.
 * @param {State} state
 * @param {Conversation} conversation
 */
export function typingNames(state, conversation) {
  return Object.keys(conversation.typing).map((id) => nameOf(state, conversation, id)).sort();
}
