// The Node 24 that all of this runs on. Plain JavaScript, so that Node 20 can read it.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";

const NODE_MAJOR_MIN = 24;

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

/** Runs a program on Node 24 and ends as it ends; signals are passed on. */
export function runOnNode24(program, args) {
  const node = node24();
  const child = spawn(node, ["--disable-warning=ExperimentalWarning", program, ...args], {
    stdio: "inherit",
    env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ""}` },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
