import { Component, h } from "preact";

/**
 * Whether two values look the same: identical, or plain objects and lists with the same parts.
 * Rows of the store keep their identity, so the comparison stops early.
 * @param {unknown} a
 * @param {unknown} b
 * @returns {boolean}
 */
export function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = /** @type {Record<string, unknown>} */ (a);
  const right = /** @type {Record<string, unknown>} */ (b);
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => key in right && same(left[key], right[key]));
}

/**
 * A component that renders again only when its props look different, or when a signal that it
 * reads changed. Rows of long lists use it.
 * @template {object} P
 * @param {(props: P) => import("preact").ComponentChild} render
 * @returns {import("preact").ComponentType<P>}
 */
export function memo(render) {
  class Memo extends Component {
    /**
     * @override
     * @param {Readonly<object>} next
     */
    shouldComponentUpdate(next) {
      return !same({ ...this.props, children: null }, { ...next, children: null });
    }

    /** @override */
    render() {
      return h(/** @type {any} */ (render), this.props);
    }
  }
  return /** @type {any} */ (Memo);
}
