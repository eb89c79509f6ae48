import { messagesOf } from "app/core/select.js";
import { StorageError } from "app/core/errors.js";
import { html } from "htm/preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { ComposerContext } from "app/ui/composer-context.js";
import { setTarget, targets } from "app/ui/composer-target.js";
import { isConnected } from "app/ui/connection-words.js";
import { useApp, useSelect } from "app/ui/context.js";
import { errorText } from "app/ui/error-text.js";
import { Icon } from "app/ui/icon.js";
import { startEdit } from "app/ui/message-commands.js";
import { t } from "app/ui/strings.js";
import { useDraft } from "app/ui/use-draft.js";
import { useIme } from "app/ui/use-ime.js";
import { isCoarse } from "app/ui/use-media.js";
import { useElement } from "app/ui/use-element.js";

const DEFAULT_LIMIT = 4000;
const COUNT_FROM = 0.8;

/** Own messages that may still be changed, the newest first. @param {import("app/services/app.js").App} app @param {string} id */
function lastOwn(app, id) {
  const { conversations, user } = app.state.peek();
  return messagesOf(conversations[id]).findLast((row) => row.sender === user?.id && row.kind === "text" && row.deleted_at === null);
}

/**
 * The message box.
 * @param {{ id: string, title: string }} props
 */
export function Composer({ id, title }) {
  const app = useApp();
  const box = useElement(HTMLTextAreaElement);
  const { text, setText, setEditing, save } = useDraft(id);
  const [error, setError] = useState("");
  const ime = useIme();
  const limit = useSelect((state) => state.limits?.body_chars ?? DEFAULT_LIMIT);
  const live = useSelect((state) => isConnected(state.connection) || state.connection.state === "catching-up");
  const target = targets.value[id] ?? null;
  const editing = target !== null && target.kind !== "reply";
  const length = [...text.value].length;
  const over = length - limit;
  const sendable = text.value.trim() !== "" && over <= 0;

  useEffect(() => {
    setEditing(target && target.kind !== "reply" ? target.body : null);
    setError("");
  }, [target?.id, target?.kind]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.style.blockSize = "auto";
    element.style.blockSize = `${element.scrollHeight}px`;
  }, [text.value, target === null]);

  const cancel = () => {
    setTarget(id, null);
    box.current?.focus();
  };

  const send = async () => {
    if (!sendable) return;
    const body = text.value;
    setError("");
    try {
      if (target?.kind === "edit") await app.conversations.editMessage(id, target.id, body);
      else if (target?.kind === "edit-queued") await app.outbox.edit(target.id, body);
      else {
        app.typing.stop(id);
        await app.outbox.send({ conversation: id, body, reply_to: target?.id ?? null });
        // What was typed while the write ran stays.
        setText(text.peek().startsWith(body) ? text.peek().slice(body.length) : text.peek());
        save();
      }
      if (target) setTarget(id, null);
    } catch (reason) {
      setError(reason instanceof StorageError ? t("comp.storage") : t("comp.edit.failed", { reason: errorText(reason) }));
    }
  };

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (ime.isComposing(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && (event.ctrlKey || event.metaKey || !isCoarse.peek())) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && !event.shiftKey) {
      event.preventDefault();
      if (target) cancel();
      else /** @type {HTMLElement | undefined} */ ([...document.querySelectorAll(".timeline article")].at(-1))?.focus();
    } else if (event.key === "ArrowUp" && text.peek() === "" && !event.shiftKey && !event.altKey && !target) {
      const row = lastOwn(app, id);
      if (!row) return;
      event.preventDefault();
      startEdit(id, /** @type {any} */ ({ message: row, item: null, body: row.body }));
    }
  };

  /** @param {InputEvent & { currentTarget: HTMLTextAreaElement }} event */
  const onInput = (event) => {
    setText(event.currentTarget.value);
    if (!editing) app.typing.notify(id);
  };

  const name = over > 0 ? t("comp.send.over", { n: over }) : t(editing ? "comp.save.name" : "comp.send");
  return html`<form class="composer" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); send(); }}>
    ${target && html`<${ComposerContext} target=${target} onCancel=${cancel} />`}
    <label class="visually-hidden" for="composer">${t("comp.label", { name: title })}</label>
    <textarea id="composer" ref=${box} rows="1" dir="auto" enterkeyhint=${isCoarse.value ? "enter" : "send"} placeholder=${t("comp.label", { name: title })}
      aria-describedby="composer-hint" value=${text.value} onInput=${onInput} onKeyDown=${onKeyDown} onBlur=${() => app.typing.stop(id)} ...${ime.handlers}></textarea>
    <span class="visually-hidden" id="composer-hint">${t(isCoarse.value ? "comp.hint.touch" : "comp.hint")}</span>
    ${error && html`<p class="composer-error" role="alert">${error}</p>`}
    <div class="composer-bar">
      ${length >= limit * COUNT_FROM && html`<span class=${`composer-count${over > 0 ? " composer-count-over" : ""}`}>${over > 0 ? t("comp.over", { n: over }) : t("comp.left", { n: -over })}</span>`}
      <span class="composer-hint">${live || editing ? html`<kbd>Enter</kbd> <span class="composer-hint-keys">${t(editing ? "comp.save" : "comp.enter")}</span>` : t("comp.later")}</span>
      <button class="send" type="submit" aria-label=${name} title=${name} aria-disabled=${!sendable}><${Icon} name=${editing ? "check" : "arrow-up"} /></button>
    </div>
  </form>`;
}
