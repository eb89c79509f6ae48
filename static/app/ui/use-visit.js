import { messagesOf } from "app/core/select.js";
import { useRef } from "preact/hooks";
import { everSynced } from "app/ui/ever-synced.js";

/**
 * @typedef {import("app/core/types.js").Conversation} Conversation
 * @typedef {{ from: number | null, count: number, readSeq: number }} Visit
 *   `from`: the `seq` that the unread line stands above; null: no line (yet)
 */

/**
 * What was unread when the conversation was opened on this screen, frozen: the line is placed
 * once a visit and never moves. It waits until the rows around it are here and, on a cold start,
 * until this device has caught up once.
 * @param {Conversation | undefined} conversation
 * @param {string | null} me
 * @returns {Visit}
 */
export function useVisit(conversation, me) {
  const opened = useRef(/** @type {{ readSeq: number, count: number } | null} */ (null));
  const placed = useRef(/** @type {number | null} */ (null));
  const synced = everSynced.value;
  if (!conversation) return { from: null, count: 0, readSeq: 0 };
  const { read_seq: readSeq, unread } = conversation.row.me;
  if (opened.current === null && (synced || unread > 0)) opened.current = { readSeq, count: unread };
  const start = opened.current;
  if (!start || start.count === 0) return { from: null, count: 0, readSeq: start?.readSeq ?? readSeq };
  if (placed.current === null && reaches(conversation, start.readSeq)) {
    placed.current = messagesOf(conversation).find((row) => row.seq > start.readSeq && row.sender !== me)?.seq ?? null;
  }
  return { from: placed.current, count: start.count, readSeq: start.readSeq };
}

/** Whether the loaded rows begin at or before the first unread one. @param {Conversation} conversation @param {number} readSeq */
function reaches(conversation, readSeq) {
  return !conversation.hasBefore || (conversation.oldestSeq !== null && conversation.oldestSeq <= readSeq + 1);
}
