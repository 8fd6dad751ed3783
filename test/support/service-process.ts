// A service's main.ts as its own process, as an operator starts it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { COMPILED_CODE } from "../../scripts/compose/compiled-code.ts";
import { ROOT } from "./source-files.ts";
import { until } from "./until.ts";

const START_MS = 60_000;

/** A service that was started. */
export interface ServiceProcess {
  /** Where it listens, as its first log lines say. */
  url(): Promise<string>;
  /** Everything that it wrote. */
  output(): string;
  /** Asks it to stop, twice as a launcher in between makes it; answers the exit code. */
  stop(): Promise<number | null>;
  /** The exit code of a process that ends by itself. */
  ended(): Promise<number | null>;
}

/** The command that runs a service from the tree. */
const fromTheTree = (name: string): readonly [string, ...string[]] => [
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  join(ROOT, "services", name, "main.ts"),
];

/** Starts a service, from the tree or by this command, with this environment and nothing else but PATH. It is killed when the test ends. */
export function startService(
  name: string,
  environment: Readonly<Record<string, string>>,
  [program, ...args]: readonly [string, ...string[]] = fromTheTree(name),
): ServiceProcess {
  const env = { PATH: process.env["PATH"] ?? "", ...COMPILED_CODE, ...environment };
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  // When its output has ended too, so that its last words are known.
  const exited = once(child, "close");
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text: Buffer) => (output += text.toString()));
  const code = async (): Promise<number | null> => {
    const [status, signal] = (await exited) as [number | null, NodeJS.Signals | null];
    // Of two requests the second can arrive when all is done and the process has only to go: nobody is left to take it.
    const wasDone = signal === "SIGTERM" && output.includes(`"${name} stopped"`);
    return wasDone ? 0 : status;
  };
  return {
    output: () => output,
    ended: code,
    url: () =>
      until(
        `${name} to listen`,
        () => {
          if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}:\n${output}`);
          const line = output.split("\n").find((text) => text.includes(`"${name} started"`));
          const { url } = JSON.parse(line ?? "{}") as { readonly url?: string };
          return url;
        },
        START_MS,
      ),
    async stop() {
      child.kill("SIGTERM");
      child.kill("SIGTERM");
      return code();
    },
  };
}
