const STATIC = new URL("../../static/", import.meta.url);

/** @type {Record<string, string>} */
const VENDORED = {
  "preact": "vendor/preact.js",
  "preact/hooks": "vendor/preact-hooks.js",
  "htm/preact": "vendor/htm-preact.js",
  "@preact/signals": "vendor/preact-signals.js",
  "idb": "vendor/idb.js",
};

/**
 * A module hook of Node: import map names → files under static/.
 * @param {string} specifier
 * @param {object} context
 * @param {(specifier: string, context: object) => unknown} next
 */
export function resolve(specifier, context, next) {
  if (specifier.startsWith("app/")) return next(new URL(specifier, STATIC).href, context);
  const vendored = VENDORED[specifier];
  return next(vendored ? new URL(vendored, STATIC).href : specifier, context);
}
