import assert from "node:assert/strict";
import test from "node:test";
import { hostBehind, safeHref } from "app/core/links.js";
import { parse, plainText } from "app/core/markdown.js";

/** @param {string} text */
const inline = (text) => {
  const [block] = parse(text);
  assert.equal(block?.type, "paragraph");
  return /** @type {any} */ (block).children;
};

/** @param {any[]} nodes @returns {any[]} */
const all = (nodes) => nodes.flatMap((node) => [node, ...all(node.children ?? []), ...(node.items ?? []).flatMap(all)]);

/** @param {string} text */
const links = (text) => all(parse(text)).filter(({ type }) => type === "link").map(({ href }) => href);

const text = (/** @type {string} */ value) => ({ type: "text", text: value });

test("bold, italic, strike and code", () => {
  assert.deepEqual(inline("a **b** _c_ ~~d~~ `e*f*`"), [
    text("a "), { type: "strong", children: [text("b")] }, text(" "), { type: "emphasis", children: [text("c")] },
    text(" "), { type: "strike", children: [text("d")] }, text(" "), { type: "code", text: "e*f*" },
  ]);
});

test("marks inside marks, and marks that are never closed", () => {
  assert.deepEqual(inline("**a *b* c**"), [{ type: "strong", children: [text("a "), { type: "emphasis", children: [text("b")] }, text(" c")] }]);
  assert.deepEqual(inline("**a *b c"), [text("**a *b c")]);
  assert.deepEqual(inline("*a **b* c**"), [{ type: "emphasis", children: [text("a **b")] }, text(" c**")]);
});

test("ordinary text with asterisks and underscores stays text", () => {
  for (const plain of ["2 * 3 * 4", "snake_case_name", "a * b", "**", "****", "___", "5*3", "~ ~", "`", "```"]) {
    assert.deepEqual(inline(plain), [text(plain)], plain);
  }
});

test("a backslash takes a mark's meaning away", () => {
  assert.deepEqual(inline("\\*a\\* \\\\ \\n"), [text("*a* \\ \\n")]);
});

test("lines break where they were broken, paragraphs at empty lines", () => {
  assert.deepEqual(parse("a\nb\r\n\r\nc"), [
    { type: "paragraph", children: [text("a"), { type: "break" }, text("b")] },
    { type: "paragraph", children: [text("c")] },
  ]);
});

test("fences keep their text, with a language; one that never ends is text", () => {
  assert.deepEqual(parse("```js\n**a**\n\n> b\n```\nc"), [
    { type: "code", language: "js", text: "**a**\n\n> b" },
    { type: "paragraph", children: [text("c")] },
  ]);
  assert.equal(parse("```js\na")[0].type, "paragraph");
});

test("lists and quotes", () => {
  assert.deepEqual(parse("- a\n- *b*\n3. c\n4) d\n> e\n> - f"), [
    { type: "list", ordered: false, start: 1, items: [[text("a")], [{ type: "emphasis", children: [text("b")] }]] },
    { type: "list", ordered: true, start: 3, items: [[text("c")], [text("d")]] },
    { type: "quote", children: [
      { type: "paragraph", children: [text("e")] },
      { type: "list", ordered: false, start: 1, items: [[text("f")]] },
    ] },
  ]);
});

test("links that are written out and links that are found", () => {
  assert.deepEqual(inline("[a **b**](https://example.org/x?y=1)"), [
    { type: "link", href: "https://example.org/x?y=1", children: [text("a "), { type: "strong", children: [text("b")] }] },
  ]);
  assert.deepEqual(links("see https://example.org/a_b_c. (http://a.example/x_(y)) and mailto:x@y.example, ok"), [
    "https://example.org/a_b_c", "http://a.example/x_(y)", "mailto:x@y.example",
  ]);
  assert.deepEqual(links("xhttps://example.org and ahttp"), []);
  assert.deepEqual(links("[https://a.example](https://b.example)"), ["https://b.example"], "no link in a link");
});

test("links that run something are refused", () => {
  const bad = [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)",
    "\u0001javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "file:///etc/passwd",
    "//evil.example", "/relative", "https:evil", "http://", "blob:https://a", "javascript://https://a.example/%0aalert(1)",
    "https://a.example/\u202egnp.exe", "https://exa\u200bmple.org", "mailto:nobody", "ftp://a.example",
  ];
  for (const address of bad) {
    assert.equal(safeHref(address), null, JSON.stringify(address));
    assert.deepEqual(links(`[click](${address})`).filter((href) => !/^(https?:\/\/|mailto:)/.test(href)), [], JSON.stringify(address));
  }
  assert.deepEqual(links("javascript:alert(1) data:text/html,x"), []);
});

test("a link whose text is another address says where it leads", () => {
  const disguised = [
    ["https://bank.example", "https://evil.example/", "evil.example"],
    ["bank.example", "https://evil.example", "evil.example"],
    ["go to BANK.EXAMPLE now", "https://evil.example", "evil.example"],
    ["bank\uff0eexample", "https://evil.example", "evil.example"],
    ["bank\u2024example", "https://evil.example", "evil.example"],
    ["\u202eelpmaxe.knab", "https://evil.example", "evil.example"],
    ["https://localhost/", "https://evil.example", "evil.example"],
    ["https://bank.example@evil.example/", "https://bank.example@evil.example/", "evil.example"],
    ["https://bank.example%2f@evil.example/", "https://bank.example%2f@evil.example/", "evil.example"],
    ["https://\u0430pple.com", "https://\u0430pple.com", "xn--pple-43d.com"],
    ["https://evil.example", "https://evil.example.org", "evil.example.org"],
  ];
  for (const [shown, href, host] of disguised) assert.equal(hostBehind(shown, href), host, shown);
  const honest = [
    ["https://example.org/a_b?c=d.e", "https://example.org/a_b?c=d.e"],
    ["example.org", "https://www.example.org/path"],
    ["http://example.org:8080/", "http://example.org:8080/"],
    ["the minutes", "https://example.org/minutes"],
    ["e. g. this...", "https://example.org"],
    ["mallory@evil.example", "mailto:mallory@evil.example"],
  ];
  for (const [shown, href] of honest) assert.equal(hostBehind(shown, href), null, shown);
});

test("HTML is text", () => {
  assert.deepEqual(inline("<img src=x onerror=alert(1)>"), [text("<img src=x onerror=alert(1)>")]);
});

test("mentions stand at the beginning of a word", () => {
  assert.deepEqual(inline("hi @bob.lee, @x"), [text("hi "), { type: "mention", name: "bob.lee" }, text(", @x")]);
  assert.deepEqual(all(parse("mail bob@example.org")).filter(({ type }) => type === "mention"), []);
});

test("plain text has no markup and one line", () => {
  assert.equal(plainText("> **a** [b](https://c.example)\n\n```\nd\ne\n```\n@bob"), "a b d e @bob");
});

const HOSTILE = {
  "asterisks": "*".repeat(65_536), "open marks": "**a ".repeat(16_384), "alternating marks": "*a_b~~c".repeat(9_000),
  "brackets": "[".repeat(65_536), "closing brackets": "](".repeat(32_768), "open links": "[a](".repeat(16_384),
  "long targets": "[a](" + "b".repeat(65_000), "backticks": "`".repeat(65_536), "growing backticks": Array.from({ length: 350 }, (_, n) => "`".repeat(n + 1)).join(" "),
  "quotes": ">".repeat(65_536), "spaced quotes": "> ".repeat(32_768), "quoted lines": "> > > > >\n".repeat(6_500),
  "fences": "```\n".repeat(16_384), "open fences": "```js\n".repeat(10_000), "lists": "- ".repeat(32_768), "list lines": "- a\n1. b\n".repeat(8_000),
  "urls": "https://".repeat(8_192), "url with brackets": "https://a/" + ")".repeat(65_000), "many urls": "https://a.b/)) ".repeat(4_300),
  "mentions": "@".repeat(65_536), "long mentions": "@" + "a".repeat(65_000), "backslashes": "\\".repeat(65_536), "spaces": " ".repeat(65_536) + "x",
  "newlines": "\n".repeat(65_536), "hm": "hm".repeat(32_768), "underscores": "_a".repeat(32_768),
};

for (const [name, body] of Object.entries(HOSTILE)) {
  test(`hostile text, ${name}: linear in time and bounded in depth`, () => {
    const began = performance.now();
    const blocks = parse(body);
    hostBehind(body, "https://example.org");
    const took = performance.now() - began;
    // 64 KB; a quadratic parser takes seconds. The bound is wide because test machines are slow.
    assert.ok(took < 1000, `${took} ms`);
    assert.ok(depthOf(blocks) <= 16, "too deep");
  });
}

/** @param {any[]} nodes */
function depthOf(nodes) {
  let deepest = 0;
  let level = nodes;
  while (level.length > 0) {
    deepest += 1;
    level = level.flatMap((node) => [...(node.children ?? []), ...(node.items ?? []).flat()]);
  }
  return deepest;
}
