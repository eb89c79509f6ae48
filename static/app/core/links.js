/** Which addresses a message may link to: http, https and mailto, nothing that runs. */

const SAFE = /^(?:https?:\/\/[^\s/]|mailto:[^\s@]+@[^\s@])/i;
// Control characters and directional marks make a link look like another one.
const DISGUISED = /[\u0000-\u0020\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;
const BARE = /(?:https?:\/\/|mailto:)[^\s<>"`]{1,2048}/iy;
const TRAILING = /[.,:;!?'*_~]$/;

/**
 * The address if it may be linked to, else null.
 * @param {string} address
 */
export function safeHref(address) {
  return SAFE.test(address) && !DISGUISED.test(address) ? address : null;
}

/**
 * The address that stands in plain text at this place, without the punctuation of the sentence
 * around it; null if none does.
 * @param {string} text
 * @param {number} at
 */
export function bareLink(text, at) {
  BARE.lastIndex = at;
  const found = BARE.exec(text);
  return found ? safeHref(trimmed(found[0])) : null;
}

/**
 * @param {string} address
 */
function trimmed(address) {
  let end = address.length;
  let opened = count(address, "(");
  let closed = count(address, ")");
  while (end > 0) {
    const last = address[end - 1];
    const unbalanced = last === ")" && closed > opened;
    if (!unbalanced && last !== "]" && !TRAILING.test(last)) break;
    if (last === ")") closed -= 1;
    if (last === "(") opened -= 1;
    end -= 1;
  }
  return address.slice(0, end);
}

/**
 * @param {string} text
 * @param {string} char
 */
function count(text, char) {
  return text.split(char).length - 1;
}
