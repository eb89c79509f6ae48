// Every pair of colours that the interface puts on each other keeps its WCAG contrast, in both themes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../static/css/tokens.css", import.meta.url), "utf8");

/** Foreground, background, least ratio, use. */
const PAIRS = /** @type {[string, string, number, string][]} */ ([
  ["text", "canvas", 4.5, "body text"],
  ["text", "surface-1", 4.5, "list text"],
  ["text", "surface-2", 4.5, "hover row"],
  ["text", "surface-3", 4.5, "selected row"],
  ["text", "raised", 4.5, "menus, dialogs"],
  ["text-2", "canvas", 4.5, "secondary text"],
  ["text-2", "surface-1", 4.5, "preview text"],
  ["text-2", "surface-2", 4.5, "preview on hover"],
  ["text-2", "surface-3", 4.5, "preview on selected"],
  ["text-2", "sunken", 4.5, "text on sunken"],
  ["text-3", "canvas", 4.5, "times, hints"],
  ["text-3", "surface-1", 4.5, "times in list"],
  ["text-3", "surface-2", 4.5, "times on hover"],
  ["text-3", "surface-3", 4.5, "times on selected"],
  ["text-3", "raised", 4.5, "hints in menus"],
  ["text", "bubble-in", 4.5, "message in"],
  ["text-2", "bubble-in", 4.5, "quote in"],
  ["text-3", "bubble-in", 4.5, "meta in"],
  ["text", "bubble-out", 4.5, "message out"],
  ["text-2", "bubble-out", 4.5, "meta, quote out"],
  ["primary-text", "bubble-out", 4.5, "link / read tick out"],
  ["primary-text", "bubble-in", 4.5, "link in"],
  ["primary-text", "canvas", 4.5, "links"],
  ["primary-text", "surface-1", 4.5, "links in list"],
  ["primary-text", "primary-soft", 4.5, "chips, mention"],
  ["text", "primary-soft", 4.5, "text on soft"],
  ["on-primary", "primary", 4.5, "primary button"],
  ["on-primary", "primary-hover", 4.5, "primary hover"],
  ["on-primary", "primary-press", 4.5, "primary pressed"],
  ["on-brass", "brass", 4.5, "unread badge"],
  ["brass-text", "canvas", 4.5, "unread line label"],
  ["brass-text", "surface-1", 4.5, "unread time"],
  ["brass-text", "brass-soft", 4.5, "brass chip"],
  ["brass-text", "surface-3", 4.5, "unread on selected"],
  ["ok", "canvas", 4.5, "success text"],
  ["ok", "ok-soft", 4.5, "success chip"],
  ["warn", "canvas", 4.5, "warning text"],
  ["warn", "warn-soft", 4.5, "warning banner"],
  ["text", "warn-soft", 4.5, "banner body"],
  ["danger", "canvas", 4.5, "error text"],
  ["danger", "danger-soft", 4.5, "error banner"],
  ["danger", "surface-1", 4.5, "error in list"],
  ["on-danger", "danger", 4.5, "destructive button"],
  ["text", "danger-soft", 4.5, "error body"],
  ["on-rail", "rail", 4.5, "rail active"],
  ["on-rail-muted", "rail", 4.5, "rail icons"],
  ["on-rail", "rail-2", 4.5, "rail selected"],
  ["on-mark", "mark", 4.5, "search highlight"],
  ["text", "code-bg", 4.5, "inline code"],
  ["line-strong", "canvas", 3, "input border"],
  ["line-strong", "surface-1", 3, "input border"],
  ["line-strong", "raised", 3, "input border in dialog"],
  ["focus", "canvas", 3, "focus ring"],
  ["focus", "surface-1", 3, "focus ring"],
  ["focus", "surface-3", 3, "focus ring"],
  ["focus", "bubble-out", 3, "focus ring"],
  ["online", "canvas", 3, "presence dot"],
  ["online", "surface-1", 3, "presence dot"],
  ["brass-line", "canvas", 3, "unread line"],
  ["primary", "canvas", 3, "icons, progress"],
  ["primary", "surface-2", 3, "progress on track"],
]);
const TEXT = 4.5;
const HUES = 8;

/** @param {RegExp} selector @returns {Record<string, string>} the tokens of the first block after it */
function tokensAfter(selector) {
  const start = css.search(selector);
  assert.notEqual(start, -1, `no block for ${selector}`);
  const block = css.slice(start, css.indexOf("}", start));
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9A-Fa-f]{6})/g)].map(([, name, value]) => [name, value]));
}

const THEMES = {
  light: tokensAfter(/\[data-theme="light"\]\s*\{/),
  dark: tokensAfter(/^\[data-theme="dark"\]\s*\{/m),
  "system, dark": tokensAfter(/\[data-theme="system"\]\s*\{/),
};

/** @param {string} hex */
function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {string} a @param {string} b */
function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

for (const [theme, tokens] of Object.entries(THEMES)) {
  test(`${theme}: every pair has the contrast its use needs`, () => {
    for (const [front, back, need, use] of PAIRS) {
      assert.ok(tokens[front] && tokens[back], `${front} or ${back} is not a token`);
      const ratio = contrast(tokens[front], tokens[back]);
      assert.ok(ratio >= need, `${front} on ${back} (${use}) is ${ratio.toFixed(2)}, needs ${need}`);
    }
  });

  test(`${theme}: names and initials can be read in every person's colour`, () => {
    for (let hue = 0; hue < HUES; hue += 1) {
      for (const back of ["canvas", "bubble-in", `hue${hue}-bg`]) {
        const ratio = contrast(tokens[`hue${hue}`], tokens[back]);
        assert.ok(ratio >= TEXT, `hue${hue} on ${back} is ${ratio.toFixed(2)}`);
      }
    }
  });
}

test("the dark theme is the same whether it was chosen or comes from the system", () => {
  assert.deepEqual(THEMES["system, dark"], THEMES.dark);
});
