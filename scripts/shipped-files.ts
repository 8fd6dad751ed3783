// The files besides code that the program reads while it runs: they go into the package and into the image as they are.
import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Paths from the root of the repository. */
export const SHIPPED_FILES = [
  "services/console/style.css",
  "terraform/services.yaml",
  "workflows/canary.yaml",
  "workflows/data-run.yaml",
] as const;

/** Copies files of one folder to the same paths below another. */
export async function copyFiles(from: string, to: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await cp(join(from, path), join(to, path));
  }
}
