// One service as a process of its own, which may be killed and started again on the same port.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { PACKAGE_ROOT } from "../compose/shipped.ts";

/** How long a service may take to listen: several start at once. */
const START_TIMEOUT_MS = 60_000;
/** How long a service may take to stop: longer than it waits for answers under way. */
const STOP_TIMEOUT_MS = 12_000;
/** Between two looks at the process. */
const POLL_MS = 25;

/** A service that was started. */
export interface ServiceChild {
  readonly name: string;
  readonly pid: number;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Asks it to stop, and kills it if it does not. */
  stop(): Promise<void>;
}

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function untilEnded(child: ChildProcess, timeoutMs: number): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; performance.now() < end && !ended(child);)
    await wait(POLL_MS);
  return ended(child);
}

/** Starts `services/<name>/main.ts` and waits until its log says that it started. The log goes to `logFile`. */
export async function startServiceChild(
  name: string,
  environment: Readonly<Record<string, string>>,
  logFile: string,
): Promise<ServiceChild> {
  const program = join(PACKAGE_ROOT, "services", name, "main.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(logFile, { flags: "a" });
  const seen = { started: false };
  let tail = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text: Buffer) => {
      log.write(text);
      tail = (tail + text.toString()).slice(-4_000);
      seen.started ||= tail.includes(`"${name} started"`);
    });
  child.on("close", () => log.end());
  for (const end = performance.now() + START_TIMEOUT_MS; !seen.started;) {
    if (ended(child) || performance.now() > end) {
      child.kill("SIGKILL");
      throw new Error(`The service ${name} did not start:\n${tail}`);
    }
    await wait(POLL_MS);
  }
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await untilEnded(child, STOP_TIMEOUT_MS);
  };
  return {
    name,
    pid: child.pid ?? 0,
    kill,
    async stop() {
      child.kill("SIGTERM");
      if (!(await untilEnded(child, STOP_TIMEOUT_MS))) await kill();
    },
  };
}
