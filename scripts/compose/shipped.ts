// What this package brings along: its folder, its workflows, its build program, and the Node that runs all of it.
// The same code runs from the tree, compiled below dist/, and bundled into one flat folder: files are looked for, not counted up to.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { COMPILED_CODE_WORDS } from "./compiled-code.ts";

/** What lies at the root in every form, and nowhere else. */
const LANDMARK = join("terraform", "services.yaml");

function rootAbove(folder: string): string {
  if (existsSync(join(folder, LANDMARK))) return folder;
  const above = dirname(folder);
  if (above === folder)
    throw new Error(
      `${LANDMARK} is not in a folder above ${import.meta.dirname}: this installation is not whole.`,
    );
  return rootAbove(above);
}

/** The root of this repository, of the compiled package, or of an image. */
export const PACKAGE_ROOT = rootAbove(import.meta.dirname);

/** The build program in each form. */
const BUILD_PROGRAMS = [
  "services/provisioner/build/main.ts",
  "services/provisioner/build/main.js",
  "build.js",
] as const;

const builder =
  BUILD_PROGRAMS.map((path) => join(PACKAGE_ROOT, path)).find((path) => existsSync(path)) ??
  join(PACKAGE_ROOT, BUILD_PROGRAMS[0]);

/** The command that runs the build program. */
export const BUILD_PROGRAM: readonly [string, ...string[]] = [
  process.execPath,
  ...COMPILED_CODE_WORDS,
  builder,
];

/** Node's own folder first, so that `node` in a serving command is the Node that runs us. */
export const withNode = (path: string): string => `${dirname(process.execPath)}:${path}`;

/** The version of this package. Its manifest lies at the root, or above the compiled code. */
export function versionOfThis(): string {
  const beside = join(PACKAGE_ROOT, "package.json");
  const text = readFileSync(existsSync(beside) ? beside : join(PACKAGE_ROOT, "..", "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** The source of a shipped workflow, or undefined when there is none of this name. */
export function shippedWorkflow(name: string): string | undefined {
  if (!/^[a-z][a-z-]*$/.test(name)) return undefined;
  try {
    return readFileSync(join(PACKAGE_ROOT, "workflows", `${name}.yaml`), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
