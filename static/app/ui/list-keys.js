/**
 * ↑ ↓ Home End and typing ahead inside a list of links that is one Tab stop.
 * @param {KeyboardEvent} event
 * @param {HTMLElement} list
 */
export function moveInList(event, list) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const links = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("a[href]")]);
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (at < 0) return;
  const target = targetOf(event.key, links, at);
  if (!target) return;
  event.preventDefault();
  target.focus();
}

let typed = "";
let typedAt = 0;

/** @param {string} key @param {HTMLElement[]} links @param {number} at */
function targetOf(key, links, at) {
  if (key === "ArrowDown") return links[at + 1];
  if (key === "ArrowUp") return links[at - 1];
  if (key === "Home") return links[0];
  if (key === "End") return links.at(-1);
  if ([...key].length !== 1 || key === " ") return undefined;
  const now = performance.now();
  typed = now - typedAt > 700 ? key.toLowerCase() : typed + key.toLowerCase();
  typedAt = now;
  const after = [...links.slice(at + (typed.length === 1 ? 1 : 0)), ...links.slice(0, at + 1)];
  return after.find((link) => (link.querySelector("bdi")?.textContent ?? "").toLowerCase().startsWith(typed));
}
