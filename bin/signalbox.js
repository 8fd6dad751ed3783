#!/usr/bin/env node
// The `signalbox` program: runs the command line on Node 24, whatever Node is on PATH. Plain JavaScript, so that Node 20 can read it.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
process.argv.splice(2, 0, "cli/signalbox.ts");
await import(join(root, "scripts", "launch.mjs"));
