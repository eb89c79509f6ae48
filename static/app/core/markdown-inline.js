/**
 * Inline Markdown: one pass over the text with a stack of open marks. A mark that is never closed
 * is text; one that is closed out of order takes those above it along as text.
 *
 * @typedef {{ type: "text", text: string }
 *   | { type: "strong" | "emphasis" | "strike", children: Inline[] }
 *   | { type: "code", text: string }
 *   | { type: "link", href: string, children: Inline[] }
 *   | { type: "break" }
 *   | { type: "mention", name: string }} Inline
 * @typedef {{ mark: string, children: Inline[] }} Open
 */
import { bareLink, safeHref } from "app/core/links.js";

/** Marks inside marks deeper than this are plain text. */
const DEPTH = 8;

/** @type {Record<string, "strong" | "emphasis" | "strike">} */
const MARKS = { "**": "strong", "__": "strong", "*": "emphasis", "_": "emphasis", "~~": "strike" };

// Sticky, each bounded: a match looks at most a fixed distance ahead.
const PLAIN = /[^\n\\`*_~[\]@hm]+/y;
const ESCAPED = /\\([!-/:-@[-`{-~])/y;
const MENTION = /@([a-zA-Z0-9][a-zA-Z0-9._-]{1,30}[a-zA-Z0-9_-])/y;
const TARGET = /\]\(([^\s()<>]{1,2048})\)/y;
const WORD = /[\p{L}\p{N}_]/u;

/**
 * @param {string} text of one paragraph or list item
 * @returns {Inline[]}
 */
export function parseInline(text) {
  return new Parser(text).parse();
}

class Parser {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    /** @type {Open[]} */
    this.stack = [{ mark: "", children: [] }];
    /** @type {Map<string, number>} how many of each mark are open */
    this.open = new Map();
    this.ticks = tickRuns(text);
  }

  parse() {
    while (this.at < this.text.length) this.step();
    while (this.stack.length > 1) this.abandon();
    return this.stack[0].children;
  }

  step() {
    const { text, at } = this;
    const char = text[at];
    const plain = this.match(PLAIN);
    if (plain) return this.take(plain[0]);
    if (char === "\n") return this.put({ type: "break" }, 1);
    if (char === "\\") {
      const escaped = this.match(ESCAPED);
      return escaped ? this.take(escaped[1], 2) : this.take(char);
    }
    if (char === "`") return this.code();
    if (char === "[") return this.openLink();
    if (char === "]") return this.closeLink();
    if (char === "@" && !this.afterWord()) {
      const mention = this.match(MENTION);
      if (mention) return this.put({ type: "mention", name: mention[1] }, mention[0].length);
    }
    if ((char === "h" || char === "m") && !this.afterWord() && !this.open.get("[")) {
      const link = bareLink(text, at);
      if (link) return this.put({ type: "link", href: link, children: [{ type: "text", text: link }] }, link.length);
    }
    if (char === "*" || char === "_" || char === "~") return this.mark();
    return this.take(char);
  }

  /** @param {RegExp} pattern sticky */
  match(pattern) {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text);
  }

  afterWord() {
    return this.at > 0 && WORD.test(this.text[this.at - 1]);
  }

  /**
   * Text as it is.
   * @param {string} text
   * @param {number} [length] in the source
   */
  take(text, length = text.length) {
    const { children } = this.stack[this.stack.length - 1];
    addText(children, text);
    this.at += length;
  }

  /**
   * @param {Inline} node
   * @param {number} length in the source
   */
  put(node, length) {
    this.stack[this.stack.length - 1].children.push(node);
    this.at += length;
  }

  /** A run of backticks up to the next run of the same length. */
  code() {
    const length = this.ticks.lengths.get(this.at) ?? 1;
    const end = this.ticks.next.get(this.at);
    if (end === undefined) return this.take("`".repeat(length));
    const inner = this.text.slice(this.at + length, end);
    const padded = inner.startsWith(" ") && inner.endsWith(" ") && inner.trim() !== "";
    this.put({ type: "code", text: padded ? inner.slice(1, -1) : inner }, end + length - this.at);
  }

  mark() {
    const { text, at } = this;
    const char = text[at];
    const double = text[at + 1] === char;
    if (char === "~" && !double) return this.take(char);
    const mark = double && (char === "~" || this.open.get(char + char) || text[at + 2] !== undefined) ? char + char : char;
    const before = text[at - 1];
    const after = text[at + mark.length];
    const closes = before !== undefined && !/\s/.test(before) && this.open.get(mark);
    if (closes && !(char === "_" && after !== undefined && WORD.test(after))) return this.close(mark);
    const opens = after !== undefined && !/\s/.test(after) && !(char === "_" && this.afterWord());
    if (!opens || this.open.get(mark) || this.stack.length > DEPTH) return this.take(mark);
    this.push(mark);
  }

  /** @param {string} mark */
  push(mark) {
    this.stack.push({ mark, children: [] });
    this.open.set(mark, (this.open.get(mark) ?? 0) + 1);
    this.at += mark.length;
  }

  /** @returns {Open} */
  pop() {
    const top = /** @type {Open} */ (this.stack.pop());
    this.open.set(top.mark, (this.open.get(top.mark) ?? 1) - 1);
    return top;
  }

  /** The topmost open mark was text after all. */
  abandon() {
    const { mark, children } = this.pop();
    const parent = this.stack[this.stack.length - 1].children;
    addText(parent, mark);
    for (const child of children) {
      if (child.type === "text") addText(parent, child.text);
      else parent.push(child);
    }
  }

  /** @param {string} mark that is open */
  close(mark) {
    while (this.stack[this.stack.length - 1].mark !== mark) this.abandon();
    const { children } = this.pop();
    if (children.length === 0) return this.take(mark + mark, mark.length);
    this.put({ type: MARKS[mark], children }, mark.length);
  }

  openLink() {
    if (this.open.get("[") || this.stack.length > DEPTH) return this.take("[");
    this.push("[");
  }

  closeLink() {
    if (!this.open.get("[")) return this.take("]");
    while (this.stack[this.stack.length - 1].mark !== "[") this.abandon();
    const target = this.match(TARGET);
    const href = target && safeHref(target[1]);
    const { children } = this.stack[this.stack.length - 1];
    if (!target || !href || children.length === 0) {
      this.abandon();
      return this.take("]");
    }
    this.pop();
    this.put({ type: "link", href, children }, target[0].length);
  }
}

/**
 * Adjacent text is one node.
 * @param {Inline[]} nodes
 * @param {string} text
 */
function addText(nodes, text) {
  if (text === "") return;
  const last = nodes[nodes.length - 1];
  if (last?.type === "text") last.text += text;
  else nodes.push({ type: "text", text });
}

/**
 * The length of each run of backticks, and where the next run of the same length begins.
 * @param {string} text
 */
function tickRuns(text) {
  /** @type {Map<number, number>} */
  const lengths = new Map();
  /** @type {Map<number, number>} */
  const next = new Map();
  /** @type {Map<number, number>} */
  const latest = new Map();
  for (const run of text.matchAll(/`+/g)) {
    const length = run[0].length;
    const before = latest.get(length);
    if (before !== undefined) next.set(before, run.index);
    lengths.set(run.index, length);
    latest.set(length, run.index);
  }
  return { lengths, next };
}

/**
 * @param {Inline[]} nodes
 * @returns {string}
 */
export function inlineText(nodes) {
  return nodes.map((node) => {
    if (node.type === "text" || node.type === "code") return node.text;
    if (node.type === "break") return " ";
    if (node.type === "mention") return `@${node.name}`;
    return inlineText(node.children);
  }).join("");
}
