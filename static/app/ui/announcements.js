/** What is said aloud to those who listen, drawn from changes of the state. */
import { effect } from "@preact/signals";
import { excerpt } from "app/core/format.js";
import { nameOf, titleOf } from "app/core/select.js";
import { say, sayAlert } from "app/ui/announcer.js";
import { isConnected } from "app/ui/connection-words.js";
import { failureText } from "app/ui/failed-actions.js";
import { route } from "app/ui/router.js";
import { t } from "app/ui/strings.js";

/**
 * @typedef {import("app/services/app.js").App} App
 * @typedef {import("app/core/types.js").State} State
 * @typedef {import("app/core/types.js").Conversation} Conversation
 * @typedef {import("app/core/types.js").MessageRow} MessageRow
 */

const LOST_AFTER = 2000;
const BURST_WINDOW = 2000;
const BURST = 3;

/** Foreign messages that came with this change. @param {Conversation} before @param {Conversation} after @param {string} me */
function arrivals(before, after, me) {
  if (after.messages === before.messages) return [];
  return Object.values(after.messages).filter((row) => row.seq > before.row.last_seq && !(row.id in before.messages)
    && row.sender !== me && row.kind === "text" && row.deleted_at === null);
}

/** Says new messages of the open conversation and of direct ones elsewhere; a burst in one sentence. */
function newsSpeaker() {
  let recent = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let sum = { count: 0, name: "" };
  const finish = () => {
    if (sum.count > 0) say(t("say.burst", { n: sum.count, name: sum.name }));
    recent = 0;
    sum = { count: 0, name: "" };
    timer = undefined;
  };
  /** @param {State} state @param {Conversation} conversation @param {MessageRow} row */
  return (state, conversation, row) => {
    const name = nameOf(state, conversation, row.sender);
    const open = route.peek().id === conversation.row.id && document.hasFocus();
    if (!open && conversation.row.kind === "group" && !row.mentions.includes(state.user?.id ?? "")) return;
    timer ??= setTimeout(finish, BURST_WINDOW);
    recent += 1;
    if (recent > BURST) sum = { count: sum.count + 1, name };
    else if (open) say(t("say.message", { name, text: excerpt(row.body, 120) }));
    else if (conversation.row.kind === "direct") say(t("say.direct", { name }));
    else say(t("say.elsewhere", { name, where: titleOf(state, conversation) }));
  };
}

/** Says once that the connection was lost, and once that it is back with what happened meanwhile. */
function connectionSpeaker() {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let said = false;
  let waiting = 0;
  /** @param {State} before @param {State} after */
  return (before, after) => {
    const was = isConnected(before.connection);
    const is = isConnected(after.connection);
    if (was && !is && after.user) {
      timer = setTimeout(() => {
        said = true;
        say(t("say.lost"));
      }, LOST_AFTER);
    } else if (!was && is) {
      clearTimeout(timer);
      const sent = Math.max(0, waiting - after.outbox.length);
      if (said) say([t("say.back"), sent > 0 && t("say.back.sent", { n: sent })].filter(Boolean).join(" "));
      said = false;
    }
    if (!is) waiting = Math.max(said ? waiting : 0, after.outbox.length);
  };
}

/** @param {State} before @param {State} after */
function sayFailures(before, after) {
  if (before.outbox === after.outbox) return;
  for (const item of after.outbox) {
    const old = before.outbox.find(({ id }) => id === item.id);
    const conversation = after.conversations[item.conversation];
    if (item.state !== "failed" || !old || old.state === "failed" || !conversation) continue;
    sayAlert(t("say.failed", { name: titleOf(after, conversation), reason: failureText(item) }));
  }
}

/** Listens to the state for as long as the page lives. @param {App} app */
export function startAnnouncements(app) {
  let before = app.state.peek();
  const news = newsSpeaker();
  const connection = connectionSpeaker();
  effect(() => {
    const after = app.state.value;
    const previous = before;
    before = after;
    connection(previous, after);
    if (!after.user || previous.user?.id !== after.user.id) return;
    sayFailures(previous, after);
    if (!isConnected(after.connection) || after.conversations === previous.conversations) return;
    for (const [id, conversation] of Object.entries(after.conversations)) {
      const old = previous.conversations[id];
      if (!old || old === conversation) continue;
      for (const row of arrivals(old, conversation, after.user.id)) news(after, conversation, row);
    }
  });
}
