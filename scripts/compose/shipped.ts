// What this package brings along: its folder, its workflows, its build program, and the Node that runs all of it.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The root of this repository or package. */
export const PACKAGE_ROOT = join(import.meta.dirname, "..", "..");

/** The command that runs the build program. */
export const BUILD_PROGRAM: readonly [string, string] = [
  process.execPath,
  join(PACKAGE_ROOT, "services/provisioner/build/main.ts"),
];

/** Node's own folder first, so that `node` in a serving command is the Node that runs us. */
export const withNode = (path: string): string => `${dirname(process.execPath)}:${path}`;

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
