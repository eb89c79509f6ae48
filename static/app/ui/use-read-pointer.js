import { messagesOf } from "app/core/select.js";
import { useEffect } from "preact/hooks";
import { useApp } from "app/ui/context.js";

/** In view this long before it counts as seen, ms. */
const SEEN_AFTER = 500;
/** A message taller than the window is seen when this much of it is in view, px. */
const TALL = 200;
const STEPS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** Whether somebody can be looking. */
function watched() {
  return document.visibilityState === "visible" && document.hasFocus();
}

/**
 * Moves the read pointer by what was seen without a gap: at least half of a message (or 200 px)
 * in view for half a second, in a visible window that has the focus. Jumping over messages
 * doesn't read them.
 * @param {string} conversationId
 * @param {import("preact").RefObject<HTMLElement>} scroller
 * @param {import("preact").RefObject<HTMLElement>} inner
 */
export function useReadPointer(conversationId, scroller, inner) {
  const app = useApp();
  useEffect(() => {
    const root = scroller.current;
    const list = inner.current;
    if (!root || !list) return undefined;
    /** @type {Set<number>} */
    const seen = new Set();
    /** @type {Map<Element, ReturnType<typeof setTimeout> | null>} articles in view, with their timers */
    const inView = new Map();

    const advance = () => {
      const { conversations, user } = app.state.peek();
      const conversation = conversations[conversationId];
      if (!conversation) return;
      let pointer = conversation.row.me.read_seq;
      for (const message of messagesOf(conversation)) {
        if (message.seq <= pointer) continue;
        if (message.seq !== pointer + 1) break;
        if (message.sender !== user?.id && !seen.has(message.seq)) break;
        pointer = message.seq;
      }
      if (pointer > conversation.row.me.read_seq) app.conversations.markRead(conversationId, pointer);
    };
    const start = (/** @type {Element} */ article) => {
      if (!watched()) return;
      inView.set(article, setTimeout(() => {
        inView.set(article, null);
        if (!watched()) return;
        seen.add(Number(article.getAttribute("data-seq")));
        advance();
      }, SEEN_AFTER));
    };
    const stop = (/** @type {Element} */ article) => clearTimeout(inView.get(article) ?? undefined);

    const intersections = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting, intersectionRatio, intersectionRect } of changes) {
        const visible = isIntersecting && (intersectionRatio >= 0.5 || intersectionRect.height >= TALL);
        if (visible && !inView.has(target)) {
          inView.set(target, null);
          start(target);
        } else if (!visible && inView.has(target)) {
          stop(target);
          inView.delete(target);
        }
      }
    }, { root, threshold: STEPS });

    const observe = () => {
      for (const article of list.querySelectorAll("article[data-seq]")) intersections.observe(article);
      for (const article of inView.keys()) if (!article.isConnected) inView.delete(article);
    };
    const additions = new MutationObserver(observe);
    additions.observe(list, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-seq"] });
    observe();

    const onFocus = () => {
      for (const article of inView.keys()) {
        stop(article);
        if (watched()) start(article);
      }
    };
    addEventListener("focus", onFocus);
    addEventListener("blur", onFocus);
    document.addEventListener("visibilitychange", onFocus);
    return () => {
      intersections.disconnect();
      additions.disconnect();
      for (const article of inView.keys()) stop(article);
      removeEventListener("focus", onFocus);
      removeEventListener("blur", onFocus);
      document.removeEventListener("visibilitychange", onFocus);
    };
  }, [app, conversationId]);
}
