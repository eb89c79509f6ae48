import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

const VENDOR = new URL("../../static/vendor/", import.meta.url);
const LOCK = new URL("../../package-lock.json", import.meta.url);

test("every vendored file is the one that was built, and no other is there", () => {
  const lines = readFileSync(new URL("CHECKSUMS", VENDOR), "utf8").trim().split("\n");
  const told = Object.fromEntries(lines.map((line) => line.split("  ").reverse()));
  const found = readdirSync(VENDOR).filter((name) => name !== "CHECKSUMS");
  assert.deepEqual(found.sort(), Object.keys(told).sort());
  for (const name of found) {
    const digest = createHash("sha256").update(readFileSync(new URL(name, VENDOR))).digest("hex");
    assert.equal(digest, told[name], name);
  }
});

test("the vendored versions are the locked ones", () => {
  const { packages } = JSON.parse(readFileSync(LOCK, "utf8"));
  for (const line of readFileSync(new URL("VERSIONS", VENDOR), "utf8").trim().split("\n")) {
    const [name, version] = line.split(" ");
    assert.equal(packages[`node_modules/${name}`].version, version, name);
  }
});

test("the lock file names no registry", () => {
  assert.doesNotMatch(readFileSync(LOCK, "utf8"), /"resolved"/);
});

test("all vendored modules share one preact", async () => {
  const preact = await import("preact");
  const { html } = await import("htm/preact");
  const vnode = html`<p class="a">hello</p>`;
  assert.deepEqual(Object.keys(vnode), Object.keys(preact.h("p", { class: "a" }, "hello")));
  for (const name of ["htm-preact.js", "preact-hooks.js", "preact-signals.js"]) {
    const source = readFileSync(new URL(name, VENDOR), "utf8");
    assert.match(source, /from"preact"/, `${name} must import preact, not contain it`);
  }
});
