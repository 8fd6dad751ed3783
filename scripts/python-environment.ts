// Python virtual environments of one's own, for tools that only Python has.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";

/** Characters of a failed program's standard error that are kept. */
const SAID_CHARACTERS_MAX = 2_000;

async function finished(child: ChildProcess, what: string, ms: number): Promise<void> {
  let said = "";
  child.stderr?.on(
    "data",
    (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-SAID_CHARACTERS_MAX)),
  );
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  const code = await new Promise<number | string>((done) => {
    child.on("error", (error) => done(error.message));
    child.on("exit", (code, signal) => done(code ?? signal ?? "no code"));
  });
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${what} failed (${code}): ${said.trim().split("\n").slice(-3).join(" ")}`);
}

/** Makes a fresh environment in this folder and installs with these arguments of `pip install`. Throws with the end of what was said. */
export async function makeEnvironment(
  environment: string,
  packages: readonly string[],
  { python = "python3", timeMs }: { readonly python?: string; readonly timeMs: number },
): Promise<void> {
  mkdirSync(dirname(environment), { recursive: true });
  const stdio = ["ignore", "ignore", "pipe"] as const;
  const venv = spawn(python, ["-m", "venv", "--clear", environment], { stdio: [...stdio] });
  await finished(venv, `${python} -m venv`, timeMs);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages];
  await finished(
    spawn(join(environment, "bin", "python3"), pip, { stdio: [...stdio] }),
    `pip install ${packages.join(" ")}`,
    timeMs,
  );
}
