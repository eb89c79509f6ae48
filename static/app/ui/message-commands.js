/** What can be done with a message: one place for the toolbar, the menu and the keys. */
import { excerpt } from "app/core/format.js";
import { nameOf } from "app/core/select.js";
import { focusComposer, setTarget } from "app/ui/composer-target.js";
import { confirm } from "app/ui/confirm-dialog.js";
import { t } from "app/ui/strings.js";
import { showToast } from "app/ui/toast.js";

/**
 * @typedef {import("app/services/app.js").App} App
 * @typedef {import("app/core/timeline.js").MessageItem} MessageItem
 * @typedef {{ name: string, icon: string, label: string, key: string, danger?: boolean, flip?: boolean, run: () => void }} Command
 */

/**
 * The commands that this person has on this message, in the order of the menu.
 * @param {App} app
 * @param {string} conversationId
 * @param {MessageItem} item
 * @returns {Command[]}
 */
export function commandsFor(app, conversationId, item) {
  const conversation = app.state.value.conversations[conversationId];
  const message = item.message;
  if (!conversation || !message || item.deleted) return [];
  const writable = isMember(app, conversationId);
  /** @type {Command[]} */
  const commands = [];
  if (writable) {
    commands.push({
      name: "reply", icon: "reply", label: t("msg.reply"), key: "R", flip: true,
      run: () => {
        const author = item.mine ? t("msg.you") : nameOf(app.state.value, conversation, item.sender);
        setTarget(conversationId, { kind: "reply", id: message.id, author, excerpt: excerpt(item.body) });
        focusComposer();
      },
    });
  }
  commands.push({ name: "copy", icon: "copy", label: t("msg.copy"), key: "C", run: () => copyText(item.body) });
  if (item.mine && writable) {
    commands.push({ name: "edit", icon: "pencil", label: t("msg.edit"), key: "E", run: () => startEdit(conversationId, item) });
    commands.push({
      name: "delete", icon: "trash-2", label: t("msg.delete"), key: "Del", danger: true,
      run: () => confirm({
        title: t("msg.delete.sure"),
        body: t("msg.delete.body"),
        confirm: t("msg.delete"),
        action: () => app.conversations.deleteMessage(conversationId, message.id),
      }),
    });
  }
  return commands;
}

/** @param {string} conversationId @param {MessageItem} item */
export function startEdit(conversationId, item) {
  if (item.message) setTarget(conversationId, { kind: "edit", id: item.message.id, body: item.body, excerpt: excerpt(item.body) });
  else if (item.item) setTarget(conversationId, { kind: "edit-queued", id: item.item.id, body: item.body, excerpt: excerpt(item.body) });
  focusComposer();
}

/** Whether the signed-in person may write here. @param {App} app @param {string} conversationId */
export function isMember(app, conversationId) {
  const { user, conversations } = app.state.value;
  const own = user && conversations[conversationId]?.members[user.id];
  return !own || own.left_at === null;
}

/** @param {string} text */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    showToast(t("msg.copied"));
  } catch {
    showToast(t("msg.copy.failed"), "circle-alert");
  }
}
