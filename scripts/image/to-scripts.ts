// Turns a bundle of services into scripts (scripts/image/scripts.ts). The programs of services stay modules, because they await what they
// load at their top, and so does the program that chooses one.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin, transform } from "esbuild";
import { BUNDLED, COMMONJS } from "./bundle.ts";
import { readChunks } from "./chunks.ts";
import { SCRIPTS } from "./scripts.ts";

const FORM = {
  legalComments: "none",
  minifySyntax: true,
  minifyWhitespace: true,
  platform: "node",
  target: "node24",
} as const;
/** One byte a character, as it is read. */
const ASCII = /^[\0-\x7f]*$/;

/** What modules know themselves by; a script is told. */
const KNOWN = {
  "import.meta.dirname": "__dirname",
  "import.meta.filename": "__filename",
  "import.meta.url": "__url",
};

/** Imports of other files become loads of scripts. */
const LOADED: Plugin = {
  name: "scripts",
  setup(building) {
    building.onResolve({ filter: /^\.\// }, ({ path }) => ({ path, namespace: "script" }));
    building.onLoad({ filter: /./, namespace: "script" }, ({ path }) => ({
      contents: `module.exports = globalThis[Symbol.for(${JSON.stringify(Symbol.keyFor(SCRIPTS))})].load(${JSON.stringify(path)});`,
      loader: "js",
    }));
  },
};

async function scriptOf(source: string, file: string): Promise<string> {
  const { code } = await transform(source, {
    ...FORM,
    format: "cjs",
    // Later imports load scripts too.
    supported: { "dynamic-import": false },
    define: KNOWN,
    sourcefile: file,
  });
  if (!ASCII.test(code)) throw new Error(`The bundler wrote ${file} with letters beyond ASCII.`);
  return code;
}

async function programOf(source: string, file: string, folder: string): Promise<string> {
  const { outputFiles } = await build({
    ...FORM,
    stdin: { contents: source, resolveDir: folder, sourcefile: file },
    bundle: true,
    format: BUNDLED.format,
    plugins: [LOADED],
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

/** Turns the bundle in `folder` into scripts; everything but its services' programs and `main.js` becomes one. */
export async function toScripts(folder: string): Promise<void> {
  const { services } = await readChunks(folder);
  const programs = new Set(Object.values(services));
  for (const file of await readdir(folder)) {
    if (!file.endsWith(".js") || file === "main.js") continue;
    const source = (await readFile(join(folder, file), "utf8")).replace(COMMONJS, "");
    const code = programs.has(file) ? await programOf(source, file, folder) : await scriptOf(source, file);
    await writeFile(join(folder, file), code);
  }
}
