/**
 * Real URLs over the history API. Overlays are history entries too, so Back closes the topmost
 * overlay first and then goes to the previous place.
 */
import { signal } from "@preact/signals";

/**
 * @typedef {"chats" | "conversation" | "outbox" | "settings" | "sign-in" | "register" | "forgot" | "reset" | "verify" | "signed-out" | "missing"} RouteName
 * @typedef {{ name: RouteName, id: string | null, section: string | null, path: string }} Route
 * @typedef {{ name: string, props: Record<string, any> }} Overlay
 */

const CONVERSATION = /^\/c\/([0-9a-f-]{36})\/?$/i;
const SETTINGS = /^\/settings(?:\/([a-z]+))?\/?$/;
/** @type {Record<string, RouteName>} */
const PLAIN = {
  "/": "chats",
  "/outbox": "outbox",
  "/sign-in": "sign-in",
  "/register": "register",
  "/forgot": "forgot",
  "/reset": "reset",
  "/verify": "verify",
  "/signed-out": "signed-out",
};

/** @param {string} path @returns {Route} */
export function parseRoute(path) {
  const conversation = CONVERSATION.exec(path);
  if (conversation) return { name: "conversation", id: conversation[1].toLowerCase(), section: null, path };
  const settings = SETTINGS.exec(path);
  if (settings) return { name: "settings", id: null, section: settings[1] ?? null, path };
  const plain = PLAIN[path.length > 1 ? path.replace(/\/$/, "") : path];
  return { name: plain ?? "missing", id: null, section: null, path };
}

/** Where the person is. */
export const route = signal(parseRoute(location.pathname));

/** What is open above it, the topmost last. */
export const overlays = signal(/** @type {Overlay[]} */ ([]));

/**
 * Goes to `path`. An open overlay's history entry is replaced, so Back doesn't reopen it.
 * @param {string} path
 * @param {{ replace?: boolean }} [options]
 */
export function navigate(path, { replace = false } = {}) {
  const overOverlay = overlays.value.length > 0;
  overlays.value = [];
  if (path === location.pathname && !overOverlay) return;
  if (replace || overOverlay) history.replaceState({ depth: 0 }, "", path);
  else history.pushState({ depth: 0 }, "", path);
  route.value = parseRoute(location.pathname);
}

/** @param {string} id @returns {string} */
export function conversationPath(id) {
  return `/c/${id}`;
}

/**
 * @param {string} name
 * @param {Record<string, any>} [props]
 */
export function openOverlay(name, props = {}) {
  if (overlays.value.some((overlay) => overlay.name === name)) return;
  overlays.value = [...overlays.value, { name, props }];
  history.pushState({ depth: overlays.value.length }, "", location.pathname);
}

/** Puts another overlay in the place of the topmost one. */
/** @param {string} name @param {Record<string, any>} [props] */
export function replaceOverlay(name, props = {}) {
  overlays.value = [...overlays.value.slice(0, -1), { name, props }];
}

/** Closes the topmost overlay, as Back does. */
export function closeOverlay() {
  if (overlays.value.length > 0) history.back();
}

/** @param {string} name */
export function hasOverlay(name) {
  return overlays.value.some((overlay) => overlay.name === name);
}

/** @param {PopStateEvent} event */
function onPopState(event) {
  const depth = Math.min(event.state?.depth ?? 0, overlays.value.length);
  if (depth !== overlays.value.length) overlays.value = overlays.value.slice(0, depth);
  if (location.pathname !== route.value.path) route.value = parseRoute(location.pathname);
}

/** @param {MouseEvent} event */
function onClick(event) {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = /** @type {Element} */ (event.target).closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || link.hash) return;
  if (parseRoute(link.pathname).name === "missing") return;
  event.preventDefault();
  navigate(link.pathname);
}

/** Starts listening; called once, by main. */
export function startRouter() {
  history.replaceState({ depth: 0 }, "");
  addEventListener("popstate", onPopState);
  document.addEventListener("click", onClick);
}
