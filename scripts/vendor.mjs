// Builds static/vendor from the locked development dependencies: one ES module per bare name of
// the import map, each leaving the others external, so that the whole page shares ONE preact.
// Run after `npm ci`; the outputs are committed and their checksums are held by a test.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const vendor = join(root, "static", "vendor");

/** Bare import name → file in static/vendor. The server's import map says the same. */
export const MODULES = {
  "preact": "preact.js",
  "preact/hooks": "preact-hooks.js",
  "htm/preact": "htm-preact.js",
  "@preact/signals": "preact-signals.js",
  "idb": "idb.js",
};

const PACKAGES = ["preact", "htm", "@preact/signals", "@preact/signals-core", "idb"];

/**
 * Keeps the other vendored modules as imports. esbuild's own `external: ["preact"]` would also
 * cover `preact/hooks`, hence exact names.
 */
const shared = (/** @type {string} */ own) => ({
  name: "shared",
  /** @param {import("esbuild").PluginBuild} builder */
  setup(builder) {
    builder.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind !== "entry-point" && path !== own && path in MODULES ? { path, external: true } : null);
  },
});

async function bundle() {
  for (const [name, file] of Object.entries(MODULES)) {
    await build({
      stdin: { contents: `export * from ${JSON.stringify(name)};`, resolveDir: root },
      outfile: join(vendor, file),
      bundle: true,
      format: "esm",
      target: "es2022",
      minify: true,
      legalComments: "none",
      plugins: [shared(name)],
      logLevel: "warning",
    });
  }
}

async function copyLicences() {
  const versions = [];
  for (const name of PACKAGES) {
    const folder = join(root, "node_modules", name);
    const meta = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    await copyFile(join(folder, "LICENSE"), join(vendor, `LICENSE.${name.replace("@", "").replace("/", "-")}.txt`));
    versions.push(`${name} ${meta.version} ${meta.license}`);
  }
  await writeFile(join(vendor, "VERSIONS"), versions.join("\n") + "\n");
}

/** The names under which the page's import map offers the modules. */
async function writeImportMap() {
  const addresses = Object.entries(MODULES).map(([name, file]) => [name, `vendor/${file}`]);
  await writeFile(join(vendor, "importmap.json"), `${JSON.stringify(Object.fromEntries(addresses), null, 2)}\n`);
}

async function writeChecksums() {
  const lines = [];
  for (const file of (await readdir(vendor)).sort()) {
    if (file === "CHECKSUMS") continue;
    const digest = createHash("sha256").update(await readFile(join(vendor, file))).digest("hex");
    lines.push(`${digest}  ${file}`);
  }
  await writeFile(join(vendor, "CHECKSUMS"), lines.join("\n") + "\n");
}

await rm(vendor, { recursive: true, force: true });
await mkdir(vendor, { recursive: true });
await bundle();
await copyLicences();
await writeImportMap();
await writeChecksums();
