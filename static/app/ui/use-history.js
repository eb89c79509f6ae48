import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { useApp } from "app/ui/context.js";
import { useElement } from "app/ui/use-element.js";

/** @typedef {"idle" | "loading" | "failed"} HistoryState */

/** Pages are fetched this long before the reader comes to them, px. */
const AHEAD = "1200px 0px 0px 0px";

/**
 * Loads older pages as the reader comes near the beginning.
 * @param {string} conversation
 * @param {boolean} hasBefore
 * @param {import("preact").RefObject<HTMLElement>} scroller
 */
export function useHistory(conversation, hasBefore, scroller) {
  const app = useApp();
  const state = useSignal(/** @type {HistoryState} */ ("idle"));
  const sentinel = useElement(HTMLDivElement);

  const look = useRef(() => {});

  /** Whoever asks while a page is on its way shares it. @returns {Promise<boolean>} whether there is still more, false too when it failed */
  const loadOlder = useCallback(async () => {
    state.value = "loading";
    try {
      const more = await app.conversations.loadOlder(conversation);
      state.value = "idle";
      look.current();
      return more;
    } catch {
      state.value = "failed";
      return false;
    }
  }, [app, conversation]);

  useEffect(() => {
    const mark = sentinel.current;
    if (!mark || !hasBefore) return undefined;
    const observer = new IntersectionObserver((entries) => {
      // The newest counts: a busy browser tells of several frames in one call.
      if (entries.at(-1)?.isIntersecting && state.peek() === "idle") loadOlder();
    }, { root: scroller.current, rootMargin: AHEAD });
    observer.observe(mark);
    // After each page: a short one leaves the mark in reach, of which nothing else would tell.
    look.current = () => {
      observer.unobserve(mark);
      observer.observe(mark);
    };
    return () => {
      look.current = () => {};
      observer.disconnect();
    };
  }, [hasBefore, loadOlder]);

  return { state, sentinel, loadOlder };
}
