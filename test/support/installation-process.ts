// Starts the installation program as a child, tells where it answers, and ends it one way or another.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Caller, createCaller } from "./caller.ts";
import { ROOT } from "./source-files.ts";

/** How a child ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A control plane in a process of its own. */
export interface InstallationProcess {
  readonly pid: number;
  readonly url: string;
  readonly gatewayUrl: string;
  readonly webhookSecret: string;
  readonly tokens: ReadonlyMap<string, string>;
  readonly api: Caller;
  readonly ended: Promise<ProcessEnd>;
  /** What it wrote on its standard error. */
  errors(): string;
  /** Ends it without a warning; resolves when it is gone. */
  kill(): Promise<ProcessEnd>;
  /** Asks it to stop; resolves when it is gone. */
  stop(signal?: "SIGINT" | "SIGTERM"): Promise<ProcessEnd>;
}

/** What a child is started with. */
export interface ProcessOptions {
  readonly state: string;
  readonly gatewayPort?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A child that did not come up. */
export class NotStartedError extends Error {
  readonly end: ProcessEnd;
  constructor(end: ProcessEnd, errors: string) {
    super(`The installation ended before it was up (${JSON.stringify(end)}): ${errors}`);
    this.name = "NotStartedError";
    this.end = end;
  }
}

const PROGRAM = join(ROOT, "test/support/installation-program.ts");

interface UpLine {
  readonly url: string;
  readonly gatewayUrl: string;
  readonly webhookSecret: string;
  readonly tokens: Readonly<Record<string, string>>;
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout !== null) createInterface({ input: child.stdout }).once("line", resolve);
  });
}

/** Starts a control plane on a state folder; resolves when API and gateway answer. */
export async function startInstallationProcess(options: ProcessOptions): Promise<InstallationProcess> {
  const child = spawn(process.execPath, [PROGRAM, options.state, "0", String(options.gatewayPort ?? 0)], {
    cwd: ROOT,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = new Promise<ProcessEnd>((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal })),
  );
  const up = await Promise.race([firstLine(child), ended]);
  if (typeof up !== "string") throw new NotStartedError(up, errors);
  const { url, gatewayUrl, webhookSecret, tokens } = JSON.parse(up) as UpLine;
  const byPerson = new Map(Object.entries(tokens));
  const end = (signal: NodeJS.Signals): Promise<ProcessEnd> => {
    child.kill(signal);
    return ended;
  };
  return {
    pid: child.pid ?? 0,
    url,
    gatewayUrl,
    webhookSecret,
    tokens: byPerson,
    api: createCaller(() => url, byPerson),
    ended,
    errors: () => errors,
    kill: () => end("SIGKILL"),
    stop: (signal = "SIGINT") => end(signal),
  };
}
