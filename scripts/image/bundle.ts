// All code of a program in a few files: what it loads at its start is read at once, and the clients of clouds lie in chunks that are
// read when it asks for them. Node needs no node_modules beside it.
import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build, type BuildOptions, type Metafile } from "esbuild";
import { parse } from "yaml";
import { copyFiles, SHIPPED_FILES } from "../shipped-files.ts";
import { BUILTINS } from "./builtins.ts";
import { CHUNKS_FILE, chunksOf } from "./chunks.ts";

const ROOT = join(import.meta.dirname, "..", "..");
/** Read from beside the code that serves it, and all code lies at the root. */
const STYLE = "services/console/style.css";
const TOPOLOGY = "terraform/services.yaml";
/** Packages that were written for CommonJS ask for these. An import of Node's own modules would read all that they export. */
export const COMMONJS = [
  'const require = process.getBuiltinModule("node:module").createRequire(import.meta.filename);',
  "const __filename = import.meta.filename;",
  "const __dirname = import.meta.dirname;",
].join("\n");

/** What every bundle is made with. */
export const BUNDLED = {
  absWorkingDir: ROOT,
  banner: { js: COMMONJS },
  bundle: true,
  entryNames: "[name]",
  format: "esm",
  legalComments: "none",
  logLevel: "error",
  metafile: true,
  // Names stay: they stand in stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  platform: "node",
  splitting: true,
  target: "node24",
} as const satisfies BuildOptions;

/** Writes what stands beside the code of a bundle: what it is, what its files are to each other, and the files that it reads. */
export async function writeBeside(folder: string, outputs: Metafile["outputs"]): Promise<void> {
  const { name, version, license } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  await writeFile(
    join(folder, "package.json"),
    `${JSON.stringify({ name, version, license, type: "module" })}\n`,
  );
  await writeFile(join(folder, CHUNKS_FILE), `${JSON.stringify(chunksOf(outputs))}\n`);
  await copyFiles(
    ROOT,
    folder,
    SHIPPED_FILES.filter((path) => path !== STYLE),
  );
  await copyFile(join(ROOT, STYLE), join(folder, basename(STYLE)));
  // JSON is YAML, and read in no time: every start asks who subscribes to what.
  const topology: unknown = parse(await readFile(join(ROOT, TOPOLOGY), "utf8"));
  await writeFile(join(folder, TOPOLOGY), `${JSON.stringify(topology)}\n`);
}

/** Bundles entries (name → source) into `folder`, with the files that they read. */
export async function bundle(entries: Readonly<Record<string, string>>, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    ...BUNDLED,
    entryPoints: entries,
    outdir: folder,
    chunkNames: "chunk-[hash]",
    plugins: [BUILTINS],
  });
  await writeBeside(folder, metafile.outputs);
}
