// `npm run check`: types, lint and format, each told in one line; exits 1 when one of them has something to say.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const module = (path: string): string => join(ROOT, "node_modules", path);

const CHECKS: readonly (readonly [name: string, program: string, ...args: string[]])[] = [
  ["types", module("typescript/bin/tsc"), "-p", "."],
  ["lint", module("oxlint/bin/oxlint"), "--type-aware", "--deny-warnings"],
  ["format", module("oxfmt/bin/oxfmt"), "--check"],
];

for (const [name, program, ...args] of CHECKS) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? "✓" : "✗"} ${name} (${seconds} s)\n`);
  if (status === 0) continue;
  process.stdout.write(`${stdout}${stderr}\n`);
  process.exitCode = 1;
}
