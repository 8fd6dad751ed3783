// What the files of a bundle are to each other, as the bundler says it.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Metafile } from "esbuild";

/** The file of a bundle that says it. */
export const CHUNKS_FILE = "chunks.json";

/** The files of a bundle, each beside the others. */
export interface Chunks {
  /** Service → the file of its main program. */
  readonly services: Readonly<Record<string, string>>;
  /** File → the files that it imports, at once or later. */
  readonly imports: Readonly<Record<string, readonly string[]>>;
}

/** From what the bundler told of its builds. A file of another build is imported by a relative path, one of Node's own is not. */
export function chunksOf(outputs: Metafile["outputs"]): Chunks {
  const files = Object.entries(outputs).map(([path, output]) => ({ ...output, file: basename(path) }));
  const services = files.flatMap(({ entryPoint = "", file }) => {
    const service = /^services\/([a-z]+)\/main\.ts$/.exec(entryPoint)?.[1];
    return service === undefined ? [] : [[service, file] as const];
  });
  const imports = files.map(({ file, imports }) => {
    const bundled = imports.filter(({ external, path }) => external !== true || path.startsWith("./"));
    return [file, [...new Set(bundled.map(({ path }) => basename(path)))]] as const;
  });
  return { services: Object.fromEntries(services), imports: Object.fromEntries(imports) };
}

/** What a bundle's own file says. */
export const readChunks = async (folder: string): Promise<Chunks> =>
  JSON.parse(await readFile(join(folder, CHUNKS_FILE), "utf8")) as Chunks;
