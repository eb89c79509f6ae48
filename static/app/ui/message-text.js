import { hostBehind } from "app/core/links.js";
import { inlineText } from "app/core/markdown-inline.js";
import { parse } from "app/core/markdown.js";
import { html } from "htm/preact";
import { memo } from "app/ui/memo.js";

/**
 * @typedef {import("app/core/markdown.js").Block} Block
 * @typedef {import("app/core/markdown.js").Inline} Inline
 */

/** @param {Inline[]} inlines @returns {any} */
function inline(inlines) {
  return inlines.map((part) => {
    switch (part.type) {
      case "text":
        return part.text;
      case "strong":
        return html`<strong>${inline(part.children)}</strong>`;
      case "emphasis":
        return html`<em>${inline(part.children)}</em>`;
      case "strike":
        return html`<s>${inline(part.children)}</s>`;
      case "code":
        return html`<code dir="ltr">${part.text}</code>`;
      case "link":
        return link(part);
      case "break":
        return html`<br />`;
      case "mention":
        return `@${part.name}`;
    }
  });
}

/**
 * With where it leads behind it, where its text says something else.
 * @param {Extract<Inline, { type: "link" }>} part
 */
function link({ href, children }) {
  const host = hostBehind(inlineText(children), href);
  return html`<a href=${href} target="_blank" rel="noopener noreferrer ugc" dir="auto">${inline(children)}</a>
    ${host && html` <bdi dir="ltr">(${host})</bdi>`}`;
}

/**
 * Each of several blocks finds its own direction; a single one follows its bubble.
 * @param {Block[]} blocks
 * @returns {any}
 */
function block(blocks) {
  const dir = blocks.length > 1 ? "auto" : undefined;
  return blocks.map((part) => {
    switch (part.type) {
      case "paragraph":
        return html`<p dir=${dir}>${inline(part.children)}</p>`;
      case "quote":
        return html`<blockquote dir=${dir}>${block(part.children)}</blockquote>`;
      case "list":
        return part.ordered
          ? html`<ol dir=${dir} start=${part.start}>${part.items.map((item) => html`<li>${inline(item)}</li>`)}</ol>`
          : html`<ul dir=${dir}>${part.items.map((item) => html`<li>${inline(item)}</li>`)}</ul>`;
      case "code":
        return html`<pre dir="ltr" tabindex="0"><code>${part.text}</code></pre>`;
    }
  });
}

/** @param {{ body: string }} props */
function Text({ body }) {
  return block(parse(body));
}

/** The safe markdown of a message as elements; text stays text, nothing is markup of the sender's. */
export const MessageText = memo(Text);
