/** The keys that work anywhere in the app. */
import { conversationList } from "app/core/select.js";
import { conversationPath, hasOverlay, navigate, openOverlay, overlays, route } from "app/ui/router.js";

/** @typedef {import("app/services/app.js").App} App */

const mac = /Mac|iPhone|iPad/.test(navigator.platform);

/** The next conversation in the list, around its ends. @param {App} app @param {1 | -1} step @param {boolean} unread only unread ones */
function neighbour(app, step, unread) {
  const all = conversationList(app.state.peek(), { filter: "all", now: Date.now() });
  const at = all.findIndex((entry) => entry.id === route.peek().id);
  for (let i = 1; i <= all.length; i += 1) {
    const from = at < 0 && step < 0 ? all.length : at;
    const entry = all[(((from + i * step) % all.length) + all.length) % all.length];
    if (entry && (!unread || entry.unread > 0)) return entry.id;
  }
  return null;
}

const REGIONS = [".rows a[tabindex='0']", ".timeline article[tabindex='0']", "#composer", ".panel button"];

/** Moves the focus to the next pane. @param {1 | -1} step */
function moveRegion(step) {
  const targets = REGIONS.map((selector) => document.querySelector(selector)).filter((element) => element instanceof HTMLElement);
  const panes = [".list-pane", ".timeline", ".foot", ".panel"];
  const here = panes.filter((pane) => document.querySelector(pane)).findIndex((pane) => document.activeElement?.closest(pane));
  targets[(here + step + targets.length) % targets.length]?.focus();
}

/** @param {App} app @param {KeyboardEvent} event @returns {boolean} whether the key did something */
function handle(app, event) {
  const command = mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  const key = event.key.toLowerCase();
  if (command && !event.altKey && !event.shiftKey && key === "k") {
    if (!hasOverlay("switcher")) openOverlay("switcher");
    return true;
  }
  if (command && !event.altKey && key === "/") {
    openOverlay("shortcuts");
    return true;
  }
  if (overlays.peek().some((overlay) => overlay.name !== "details")) return false;
  const alt = event.altKey && (mac ? event.metaKey : !event.ctrlKey && !event.metaKey);
  if (alt && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const id = neighbour(app, event.key === "ArrowDown" ? 1 : -1, event.shiftKey);
    if (id) navigate(conversationPath(id));
    return true;
  }
  if (event.ctrlKey && event.key === "F6") {
    moveRegion(event.shiftKey ? -1 : 1);
    return true;
  }
  const { id } = route.peek();
  const conversation = id && app.state.peek().conversations[id];
  if (event.key === "Escape" && event.shiftKey && conversation) {
    app.conversations.markRead(id, conversation.row.last_seq);
    return true;
  }
  return false;
}

/** Listens while somebody is signed in. @param {App} app @returns {() => void} stops */
export function listenToKeys(app) {
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (handle(app, event)) event.preventDefault();
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}
