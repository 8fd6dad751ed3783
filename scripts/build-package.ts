// `npm run build:package`: all that ships as JavaScript with types, below dist/, and the files that it reads beside it.
import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { copyFiles, SHIPPED_FILES } from "./shipped-files.ts";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

await rm(DIST, { recursive: true, force: true });
const tsc = [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", join(ROOT, "tsconfig.package.json")];
const { status } = spawnSync(process.execPath, tsc, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
if (status === 0) await copyFiles(ROOT, DIST, SHIPPED_FILES);
process.exitCode = status ?? 1;
