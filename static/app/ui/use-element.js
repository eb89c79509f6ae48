import { useRef } from "preact/hooks";

/**
 * A reference to an element of a known kind.
 * @template {Element} E
 * @param {{ new (): E, prototype: E }} _kind e.g. HTMLDivElement
 * @returns {import("preact").RefObject<E>}
 */
export function useElement(_kind) {
  return useRef(/** @type {any} */ (null));
}
