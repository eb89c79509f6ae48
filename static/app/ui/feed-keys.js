/**
 * The keys of the message feed: moving between articles, leaving it, and what may be done with
 * the article that has the focus.
 */
import { openMessageMenu } from "app/ui/message-menu.js";

/** @typedef {import("app/ui/message-commands.js").Command} Command */

const LETTERS = /** @type {Record<string, string>} */ ({ r: "reply", e: "edit", c: "copy", Delete: "delete" });

/** @param {HTMLElement} element */
function focusHere(element) {
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement[]} articles @param {number} at @param {string} key */
function target(articles, at, key) {
  switch (key) {
    case "ArrowUp":
    case "PageUp":
      return articles[at - 1];
    case "ArrowDown":
    case "PageDown":
      return articles[at + 1];
    case "Home":
      return articles.find((article) => article.querySelector(".unread-line")) ?? articles[0];
    case "End":
      return articles.at(-1);
  }
  return undefined;
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} feed
 * @param {(key: string) => Command[]} commandsOf the commands of an article by its key
 */
export function onFeedKey(event, feed, commandsOf) {
  const article = /** @type {HTMLElement} */ (event.target);
  if (event.isComposing || article.tagName !== "ARTICLE" || event.metaKey || event.altKey) return;
  if (event.ctrlKey) {
    const leave = { Home: ".conversation-head button, .conversation-head a", End: "#composer" }[event.key];
    if (!leave) return;
    event.preventDefault();
    /** @type {HTMLElement | null} */ (document.querySelector(leave))?.focus();
    return;
  }
  const articles = /** @type {HTMLElement[]} */ ([...feed.getElementsByTagName("article")]);
  const next = target(articles, articles.indexOf(article), event.key);
  if (next) {
    event.preventDefault();
    focusHere(next);
    return;
  }
  const commands = commandsOf(article.dataset.key ?? "");
  if ((event.key === "F10" && event.shiftKey) || event.key === "ContextMenu") {
    event.preventDefault();
    const box = article.getBoundingClientRect();
    openMessageMenu({ x: box.left + 48, y: Math.min(box.bottom, innerHeight - 8), commands, opener: article });
    return;
  }
  const command = commands.find(({ name }) => name === (LETTERS[event.key] ?? LETTERS[event.key.toLowerCase()]));
  if (command && !event.shiftKey) {
    event.preventDefault();
    command.run();
  } else if ([...event.key].length === 1 && event.key !== " ") {
    document.getElementById("composer")?.focus(); // The character lands there.
  }
}
