/**
 * The two live regions of the page, `#say` (polite) and `#alert` (assertive). At most one text a
 * second each; a text leaves its region after a second, so nobody finds it by browsing.
 */
const PAUSE_MS = 1000;

/** @param {string} id */
function region(id) {
  /** @type {string[]} */
  const waiting = [];
  let busy = false;

  function next() {
    const element = document.getElementById(id);
    const text = waiting.shift();
    if (!element || text === undefined) {
      busy = false;
      return;
    }
    busy = true;
    element.textContent = text;
    setTimeout(() => {
      element.textContent = "";
      next();
    }, PAUSE_MS);
  }

  /** @param {string} text */
  return (text) => {
    waiting.push(text);
    if (!busy) next();
  };
}

export const say = region("say");
export const sayAlert = region("alert");
