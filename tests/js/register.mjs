// Resolves the browser's import map names in Node: `app/…` and the vendored modules, so that the
// tests run the very files that the browser gets.
import { register } from "node:module";

register("./resolve.mjs", import.meta.url);
