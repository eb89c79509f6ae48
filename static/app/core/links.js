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

// What an eye may take for a host: letters of any script, with the dots that look like dots.
const NAME = /[\p{L}\p{M}\p{N}.\u3002_-]+/gu;
const DOTTED = /[^.\u3002_-][.\u3002][^.\u3002_-]/u;

/**
 * The host that a link leads to, where its text looks like the address of another one, or is
 * written in letters that look like others; null where nobody is deceived.
 * @param {string} text
 * @param {string} href
 */
export function hostBehind(text, href) {
  const shown = hostShown(text.normalize("NFKC").toLowerCase());
  if (shown === null || !/^https?:/i.test(href) || !URL.canParse(href)) return null;
  // In ASCII: xn--… where it has other letters.
  const host = new URL(href).hostname;
  return shown === host || `www.${shown}` === host ? null : host;
}

/**
 * @param {string} text
 */
function hostShown(text) {
  const scheme = text.indexOf("://");
  const names = text.slice(scheme < 0 ? 0 : scheme + 3).match(NAME) ?? [];
  if (scheme >= 0) return names[0] ?? "";
  return names.find((name) => DOTTED.test(name)) ?? null;
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
