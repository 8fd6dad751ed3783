// All code of a program in a few files: what every service loads at its start is read at once, and the clients of clouds lie in
// chunks that are read when a service asks for them. Node needs no node_modules beside it.
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build, type Metafile } from "esbuild";
import { copyFiles, SHIPPED_FILES } from "../shipped-files.ts";
import { BUILTINS } from "./builtins.ts";
import { CHUNKS_FILE, chunksOf } from "./chunks.ts";

const ROOT = join(import.meta.dirname, "..", "..");
/** Read from beside the code that serves it, and all code lies at the root. */
const STYLE = "services/console/style.css";
/** Packages that were written for CommonJS ask for these. */
const COMMONJS = [
  'import { createRequire as __bundleRequireOf } from "node:module";',
  'import { dirname as __bundleDirectoryOf } from "node:path";',
  'import { fileURLToPath as __bundlePathOf } from "node:url";',
  "const require = __bundleRequireOf(import.meta.url);",
  "const __filename = __bundlePathOf(import.meta.url);",
  "const __dirname = __bundleDirectoryOf(__filename);",
].join("\n");

/** Bundles entries (name → source) into `folder`, with the files that they read. Answers what went where. */
export async function bundle(entries: Readonly<Record<string, string>>, folder: string): Promise<Metafile> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: entries,
    outdir: folder,
    entryNames: "[name]",
    chunkNames: "chunk-[hash]",
    banner: { js: COMMONJS },
    bundle: true,
    format: "esm",
    legalComments: "none",
    logLevel: "error",
    metafile: true,
    // Names stay: they stand in stack traces.
    minifySyntax: true,
    minifyWhitespace: true,
    platform: "node",
    plugins: [BUILTINS],
    splitting: true,
    target: "node24",
  });
  await mkdir(folder, { recursive: true });
  const { name, version, license } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  await writeFile(
    join(folder, "package.json"),
    `${JSON.stringify({ name, version, license, type: "module" })}\n`,
  );
  await writeFile(join(folder, CHUNKS_FILE), `${JSON.stringify(chunksOf(metafile))}\n`);
  await copyFiles(
    ROOT,
    folder,
    SHIPPED_FILES.filter((path) => path !== STYLE),
  );
  await copyFile(join(ROOT, STYLE), join(folder, basename(STYLE)));
  return metafile;
}
