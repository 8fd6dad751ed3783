// Runs a program of this repository on Node 24, whatever Node started npm.
// First run in a fresh clone: installs the pinned packages, then goes on. Plain JavaScript, so that Node 20 can read it.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const NODE_MAJOR_MIN = 24;

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

/** The Node 24 to run on: this one if it is new enough, else the one that came with the packages. */
function node24() {
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) return process.execPath;
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve(`node-${process.platform}-${process.arch}/package.json`);
    return join(dirname(manifest), "bin", "node");
  } catch {
    process.stderr.write(
      `Signalbox runs on Node ${NODE_MAJOR_MIN} or newer and this is ${process.version}; ` +
        `no packaged Node exists for ${process.platform}-${process.arch}: install Node ${NODE_MAJOR_MIN} and try again.\n`,
    );
    return process.exit(1);
  }
}

install();
const [program, ...args] = process.argv.slice(2);
const node = node24();
const child = spawn(node, ["--disable-warning=ExperimentalWarning", join(root, program), ...args], {
  stdio: "inherit",
  env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ""}` },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
