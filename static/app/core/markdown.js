/**
 * The small, safe part of Markdown that messages have, parsed into a tree that the UI renders to
 * nodes. Never HTML. Linear in the length of the text, and bounded in depth.
 *
 * @typedef {import("./markdown-inline.js").Inline} Inline
 * @typedef {{ type: "paragraph", children: Inline[] }
 *   | { type: "quote", children: Block[] }
 *   | { type: "list", ordered: boolean, start: number, items: Inline[][] }
 *   | { type: "code", language: string, text: string }} Block
 */
import { inlineText, parseInline } from "app/core/markdown-inline.js";

/** Quotes inside quotes deeper than this are plain text. */
const QUOTE_DEPTH = 3;

const FENCE = /^```([\w+#.-]{0,20})[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const BULLET = /^ {0,3}[-*+] +(?=\S)/;
const NUMBER = /^ {0,3}(\d{1,9})[.)] +(?=\S)/;

/**
 * @param {string} text
 * @returns {Block[]}
 */
export function parse(text) {
  return parseLines(text.replaceAll("\r\n", "\n").split("\n"), 0);
}

/**
 * @param {string[]} lines
 * @param {number} depth of quotes
 * @returns {Block[]}
 */
function parseLines(lines, depth) {
  /** @type {Block[]} */
  const blocks = [];
  const fences = closingFences(lines);
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    if (line.trim() === "") {
      at += 1;
      continue;
    }
    const fence = FENCE.exec(line);
    const end = fence ? fences[at] : -1;
    if (fence && end > at) {
      blocks.push({ type: "code", language: fence[1], text: lines.slice(at + 1, end).join("\n") });
      at = end + 1;
    } else if (depth < QUOTE_DEPTH && QUOTE.test(line)) {
      const stop = runEnd(lines, at, (candidate) => QUOTE.test(candidate));
      const inner = lines.slice(at, stop).map((quoted) => quoted.replace(QUOTE, ""));
      blocks.push({ type: "quote", children: parseLines(inner, depth + 1) });
      at = stop;
    } else if (BULLET.test(line) || NUMBER.test(line)) {
      const marker = BULLET.test(line) ? BULLET : NUMBER;
      const stop = runEnd(lines, at, (candidate) => marker.test(candidate));
      blocks.push(listOf(lines.slice(at, stop), marker));
      at = stop;
    } else {
      const stop = runEnd(lines, at + 1, (candidate) => !startsBlock(candidate, depth));
      blocks.push({ type: "paragraph", children: parseInline(lines.slice(at, stop).join("\n")) });
      at = stop;
    }
  }
  return blocks;
}

/**
 * For each line the next line at or after the following one that closes a fence; -1: none does.
 * @param {string[]} lines
 */
function closingFences(lines) {
  const next = new Array(lines.length).fill(-1);
  let found = -1;
  for (let at = lines.length - 1; at >= 0; at -= 1) {
    next[at] = found;
    if (lines[at].trimEnd() === "```") found = at;
  }
  return next;
}

/**
 * @param {string[]} lines
 * @param {number} from
 * @param {(line: string) => boolean} belongs
 */
function runEnd(lines, from, belongs) {
  let end = from;
  while (end < lines.length && belongs(lines[end])) end += 1;
  return end;
}

/**
 * @param {string} line
 * @param {number} depth
 */
function startsBlock(line, depth) {
  return line.trim() === "" || FENCE.test(line) || BULLET.test(line) || NUMBER.test(line)
    || (depth < QUOTE_DEPTH && QUOTE.test(line));
}

/**
 * @param {string[]} lines
 * @param {RegExp} marker
 * @returns {Block}
 */
function listOf(lines, marker) {
  const items = lines.map((line) => parseInline(line.replace(marker, "")));
  const start = Number(NUMBER.exec(lines[0])?.[1] ?? 1);
  return { type: "list", ordered: marker === NUMBER, start, items };
}

/**
 * The text without its markup, on one line.
 * @param {string} text
 */
export function plainText(text) {
  return blocksText(parse(text)).replace(/\s+/gu, " ").trim();
}

/**
 * @param {Block[]} blocks
 * @returns {string}
 */
function blocksText(blocks) {
  return blocks.map((block) => {
    if (block.type === "code") return block.text;
    if (block.type === "quote") return blocksText(block.children);
    if (block.type === "list") return block.items.map(inlineText).join(" ");
    return inlineText(block.children);
  }).join(" ");
}
