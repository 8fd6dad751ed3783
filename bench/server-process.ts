// A server in a process of its own, on one core where the system can bind it: the load must not share its event loop.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Core that measured servers run on. */
const SERVER_CORE = "1";
/** Unit of processor times under /proc on Linux (proc(5), sysconf _SC_CLK_TCK). */
const TICKS_PER_SECOND = 100;
const START_MS = 60_000;

/** A server that was started. */
export interface ServerProcess {
  readonly url: string;
  /** The whole line in which it said so. */
  readonly said: Readonly<Record<string, unknown>>;
  /** From spawn until it said where it listens. */
  readonly startedMs: number;
  /** Largest memory so far, in MB; NaN where the system does not tell. */
  peakMegabytes(): number;
  /** Processor time that it has used, in seconds: what others do on the machine does not count. */
  cpuSeconds(): number;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const canBind = spawnSync("taskset", ["-c", SERVER_CORE, "true"]).status === 0;

/** Starts a program with this Node; it must print a line with `"url":"http://…"`. Its other output is dropped. */
export async function startServer(
  program: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<ServerProcess> {
  const node = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    join(import.meta.dirname, program),
  ];
  const [command = "", ...args] = canBind ? ["taskset", "-c", SERVER_CORE, ...node] : node;
  const begun = performance.now();
  const child = spawn(command, args, {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const said = await new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    let text = "";
    const timer = setTimeout(
      () => reject(new Error(`${program} did not listen within ${START_MS} ms`)),
      START_MS,
    );
    child.stdout.on("data", (chunk: Buffer) => {
      if (text.length > 100_000) return;
      text += chunk.toString();
      const found = /^.*"url":"http:[^"]+".*(?=\n)/m.exec(text)?.[0];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(JSON.parse(found));
    });
    child.once("exit", (code) =>
      reject(new Error(`${program} ended with ${code} before it listened: ${text}`)),
    );
  });
  return {
    url: String(said["url"]),
    said,
    startedMs: performance.now() - begun,
    peakMegabytes() {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
        return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
      } catch {
        return Number.NaN;
      }
    },
    cpuSeconds() {
      const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    signal: (name) => void child.kill(name),
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}
