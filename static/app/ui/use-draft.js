import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { useApp } from "app/ui/context.js";

const SAVE_AFTER = 150;

/**
 * The text of the message box. Saved a moment after each change and at once when the page or the
 * conversation is left. While an earlier message is edited the draft waits untouched.
 * @param {string} conversation
 */
export function useDraft(conversation) {
  const app = useApp();
  const text = useSignal(app.drafts.get(conversation));
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const editing = useRef(false);

  const save = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = undefined;
    if (!editing.current) app.drafts.set(conversation, text.peek());
  }, [app, conversation]);

  const setText = useCallback((/** @type {string} */ value) => {
    text.value = value;
    if (editing.current) return;
    clearTimeout(timer.current);
    timer.current = setTimeout(save, SAVE_AFTER);
  }, [save]);

  /** Puts another text into the box (a message being edited), or the draft back with null. */
  const setEditing = useCallback((/** @type {string | null} */ body) => {
    if (body !== null) {
      if (timer.current !== undefined) save();
      editing.current = true;
      text.value = body;
    } else if (editing.current) {
      editing.current = false;
      text.value = app.drafts.get(conversation);
    }
  }, [app, conversation, save]);

  useEffect(() => {
    const flush = () => { if (timer.current !== undefined) save(); };
    addEventListener("pagehide", flush);
    document.addEventListener("visibilitychange", flush);
    return () => {
      flush();
      removeEventListener("pagehide", flush);
      document.removeEventListener("visibilitychange", flush);
    };
  }, [save]);

  return { text, setText, setEditing, save };
}
