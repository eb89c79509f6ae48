import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { isCalm } from "app/ui/use-media.js";
import { useElement } from "app/ui/use-element.js";

/** Within this distance the reader counts as being at the end, px. */
const NEAR_END = 64;
/** Where a message stands after a jump: this far below the header, px. */
const JUMP_OFFSET = 96;

/**
 * The first article that reaches into view. Articles stand in order, so half-stepping finds it.
 * @param {HTMLElement} inner
 * @param {number} top of the scroller
 */
function firstVisible(inner, top) {
  const articles = inner.getElementsByTagName("article");
  let low = 0;
  let high = articles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (articles[middle].getBoundingClientRect().bottom > top + 1) high = middle;
    else low = middle + 1;
  }
  return articles[low] ?? null;
}

/**
 * Keeps what is being read where it is. The scroller is a reversed column: it starts at its end
 * and content inserted above moves nothing. What changes below is made up for in the same frame.
 * @param {string} conversation
 */
export function useScroll(conversation) {
  const scroller = useElement(HTMLDivElement);
  const inner = useElement(HTMLDivElement);
  const atEnd = useSignal(true);
  const topSeq = useSignal(0);
  const anchor = useRef(/** @type {{ element: Element, top: number } | null} */ (null));

  const measure = useCallback(() => {
    const box = scroller.current;
    if (!box || !inner.current) return;
    const top = box.getBoundingClientRect().top;
    const element = firstVisible(inner.current, top);
    anchor.current = element && { element, top: element.getBoundingClientRect().top - top };
    atEnd.value = Math.abs(box.scrollTop) < NEAR_END;
    topSeq.value = Number(element?.getAttribute("data-seq") ?? 0);
  }, []);

  /** Puts what is being read back to where it was, after something changed below it. */
  const keep = useCallback(() => {
    const box = scroller.current;
    const held = anchor.current;
    if (box && held?.element.isConnected && !atEnd.peek()) {
      const top = held.element.getBoundingClientRect().top - box.getBoundingClientRect().top;
      if (Math.abs(top - held.top) > 0.5) box.scrollTop += top - held.top;
    }
    measure();
  }, [measure]);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || !inner.current) return undefined;
    const observer = new ResizeObserver(keep);
    observer.observe(inner.current);
    observer.observe(box);
    box.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener("scroll", measure);
    };
  }, []);

  useEffect(() => () => savePlace(conversation, atEnd.peek() ? null : anchor.current), [conversation]);

  const toEnd = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    const near = Math.abs(box.scrollTop) < box.clientHeight * 1.5 && !isCalm.peek();
    box.scrollTo({ top: 0, behavior: near ? "smooth" : "instant" });
  }, []);

  /** Brings an article to 96 px below the header, or `offset` px where a former place is restored. */
  const toElement = useCallback((/** @type {Element} */ element, /** @type {number} */ offset = JUMP_OFFSET) => {
    const box = scroller.current;
    if (!box) return;
    const go = () => {
      box.scrollTop += element.getBoundingClientRect().top - box.getBoundingClientRect().top - offset;
    };
    go();
    go(); // Rows that were never drawn get their true height on the first step.
    measure();
  }, []);

  return { scroller, inner, atEnd, topSeq, toEnd, toElement, keep };
}

/** @param {string} conversation @param {{ element: Element, top: number } | null} place */
function savePlace(conversation, place) {
  const key = `pn.pos.${conversation}`;
  const seq = place?.element.getAttribute("data-seq");
  try {
    if (seq) sessionStorage.setItem(key, JSON.stringify({ seq: Number(seq), offset: Math.round(place?.top ?? 0) }));
    else sessionStorage.removeItem(key);
  } catch {
    // Without storage the conversation opens at its end.
  }
}

/**
 * Where this conversation was left in this tab; null: at its end.
 * @param {string} conversation
 * @returns {{ seq: number, offset: number } | null}
 */
export function placeOf(conversation) {
  try {
    return JSON.parse(sessionStorage.getItem(`pn.pos.${conversation}`) ?? "null");
  } catch {
    return null;
  }
}
