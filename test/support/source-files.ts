// What the architecture tests look at: the tracked and new source files of this repository, and their imports.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** The repository's root folder. */
export const ROOT = resolve(import.meta.dirname, "../..");

/** Repository-relative paths of all files that Git tracks or would track. */
export function sourceFiles(extension: string): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return listed.split("\0").filter((path) => path.endsWith(extension) && existsSync(join(ROOT, path)));
}

/** The text of a file. */
export const readSource = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** One import: who imports what; `to` is a path of the repository, or the bare name of a package. */
export interface ImportEdge {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const IMPORT =
  /^\s*(?:import|export)\s+(type\s+)?[^"';]*?from\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;

/** Every import of a TypeScript file, relative ones resolved. */
export function importsOf(path: string): readonly ImportEdge[] {
  return [...readSource(path).matchAll(IMPORT)].map((match) => {
    const specifier = match[2] ?? match[3] ?? match[4] ?? "";
    const to = specifier.startsWith(".")
      ? relative(ROOT, resolve(ROOT, dirname(path), specifier))
      : specifier;
    return { from: path, to, typeOnly: match[1] !== undefined };
  });
}
