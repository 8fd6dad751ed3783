#!/usr/bin/env node
// The `signalbox` program: runs the command line on Node 24, whatever Node is on PATH. Plain JavaScript, so that Node 20 can read it.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runOnNode24 } from "./node24.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
if (existsSync(join(root, "cli", "signalbox.ts"))) {
  // In the repository: its sources, with the packages that its lockfile pins.
  process.argv.splice(2, 0, "cli/signalbox.ts");
  await import(new URL("../scripts/launch.mjs", import.meta.url).href);
} else {
  runOnNode24(join(root, "dist", "cli", "signalbox.js"), process.argv.slice(2));
}
