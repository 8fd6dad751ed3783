// One service as a process of its own, which may be killed and started again on the same port.
import type { ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { spawnHeld } from "../compose/held-child.ts";

/** How long a service may take to listen: several start at once. */
const START_TIMEOUT_MS = 60_000;
/** How long a service may take to stop: longer than it waits for answers under way. */
const STOP_TIMEOUT_MS = 12_000;
/** Between two looks at the process. */
const POLL_MS = 25;
/** Characters of a log's end that an error quotes. */
const TAIL_CHARACTERS = 4_000;

/** A service that was started. */
export interface ServiceChild {
  readonly name: string;
  readonly pid: number;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Asks it to stop, and kills it if it does not. */
  stop(): Promise<void>;
}

/** What a service is started from. */
export interface ServiceOrder {
  readonly name: string;
  /** Words for Node. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Aborting ends it while it starts. */
  readonly signal: AbortSignal;
}

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function untilEnded(child: ChildProcess, timeoutMs: number): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; performance.now() < end && !ended(child);)
    await wait(POLL_MS);
  return ended(child);
}

/** Keeps what the service says in its log; answers whether it has said that it started, and its last words. */
function watchLog({ name, logFile }: ServiceOrder, child: ChildProcess) {
  const log = createWriteStream(logFile, { flags: "a" });
  let started = false;
  let tail = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (text: Buffer) => {
      log.write(text);
      tail = (tail + text.toString()).slice(-TAIL_CHARACTERS);
      started ||= tail.includes(`"${name} started"`);
    });
  child.on("close", () => log.end());
  return { started: () => started, tail: () => tail };
}

/** Starts the service and waits until its log says that it started. */
export async function startServiceChild(order: ServiceOrder): Promise<ServiceChild> {
  const { name, command, environment, signal } = order;
  signal.throwIfAborted();
  const child = spawnHeld(process.execPath, command, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const log = watchLog(order, child);
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await untilEnded(child, STOP_TIMEOUT_MS);
  };
  for (const end = performance.now() + START_TIMEOUT_MS; !log.started(); await wait(POLL_MS)) {
    if (!signal.aborted && !ended(child) && performance.now() < end) continue;
    await kill();
    signal.throwIfAborted();
    throw new Error(`The service ${name} did not start:\n${log.tail()}`);
  }
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
