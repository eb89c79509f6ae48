import { computed } from "@preact/signals";
import { createContext } from "preact";
import { useContext, useMemo } from "preact/hooks";

/**
 * @typedef {import("app/services/app.js").App} App
 * @typedef {import("app/core/types.js").State} State
 */

export const AppContext = createContext(/** @type {App} */ (/** @type {unknown} */ (null)));

/** The services. @returns {App} */
export function useApp() {
  return useContext(AppContext);
}

/**
 * A value drawn from the state. The component renders again only when the value changes, so
 * selectors that keep identities are cheap to use here.
 * @template T
 * @param {(state: State) => T} select
 * @param {readonly unknown[]} inputs what `select` closes over
 * @returns {T}
 */
export function useSelect(select, inputs = []) {
  const app = useApp();
  return useMemo(() => computed(() => select(app.state.value)), [app, ...inputs]).value;
}
