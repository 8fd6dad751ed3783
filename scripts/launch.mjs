// Runs a program of this repository on Node 24, whatever Node started npm.
// First run in a fresh clone: installs the pinned packages, then goes on. Plain JavaScript, so that Node 20 can read it.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runOnNode24 } from "../bin/node24.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const packagesOf = (path) => JSON.parse(readFileSync(join(root, path), "utf8")).packages;

/** Whether what npm wrote down last in node_modules, which it does when it has installed all, is what the lockfile pins. */
function isInstalled() {
  const written = "node_modules/.package-lock.json";
  if (!existsSync(join(root, written))) return false;
  const found = packagesOf(written);
  return Object.entries(packagesOf("package-lock.json")).every(
    ([path, { version, optional }]) =>
      path === "" || found[path]?.version === version || (optional === true && found[path] === undefined),
  );
}

/** Installs the packages when they are not those that the lockfile pins. */
function install() {
  if (isInstalled()) return;
  process.stderr.write("Installing the pinned packages (once, about half a minute) …\n");
  const npm = spawnSync("npm", ["ci", "--no-progress", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (npm.status === 0) return;
  process.stderr.write("npm ci failed; see its message above, then run the same command again.\n");
  process.exit(1);
}

install();
const [program, ...args] = process.argv.slice(2);
runOnNode24(join(root, program), args);
