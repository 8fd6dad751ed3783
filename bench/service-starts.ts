// Starts a service as the bench wants it, and asks it for the first thing it is there for.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { pushBody } from "../shared/adapters/local/push-bus.ts";
import type { AnyFact } from "../shared/domain/fact.ts";
import { deliveryHeaders, pullRequestBody, sign } from "../test/services/github-delivery.ts";

const START_MS_MAX = 30_000;
/** Node can hang when it exits (nodejs/node#54918): who does not end by then is killed, which is said. */
const END_MS_MAX = 3_000;

/** What one start took. */
export interface Start {
  readonly listeningMs: number;
  /** Processor time of all its threads until then, which says more than the clock on a machine that others use. */
  readonly cpuMs: number;
  readonly megabytes: number;
  /** Until the first delivery was taken or the first push handled; undefined where nothing was asked. */
  readonly servedMs: number | undefined;
}

/** How a service is started, and what it is asked then. */
export interface StartOptions {
  readonly service: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Asks for the first thing, at this URL. */
  readonly ask: ((url: string) => Promise<void>) | undefined;
}

const residentMegabytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_000;

/** Processor time of a process: the first field of each thread's schedstat is nanoseconds on a core. */
const cpuMsOf = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]))
    .reduce((sum, nanoseconds) => sum + nanoseconds / 1e6, 0);

async function startUntil(
  mark: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
) {
  const begun = performance.now();
  const child = spawn(process.execPath, command, { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  const pid = child.pid ?? 0;
  const exited = once(child, "exit");
  const late = setTimeout(() => child.kill("SIGKILL"), START_MS_MAX);
  let output = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    if (output.includes(mark)) break;
  }
  clearTimeout(late);
  if (!output.includes(mark)) throw new Error(`${command.join(" ")} did not start: ${output}`);
  const listeningMs = performance.now() - begun;
  const figures = { listeningMs, cpuMs: cpuMsOf(pid), megabytes: residentMegabytes(pid) };
  // What it says later must not fill the pipe.
  child.stdout.resume();
  return { begun, figures, output, child, exited };
}

/** Starts it, asks it, and ends it in order. */
export async function startOnce({ service, command, environment, ask }: StartOptions): Promise<Start> {
  const { begun, figures, output, child, exited } = await startUntil(
    `"${service} started"`,
    command,
    environment,
  );
  let servedMs: number | undefined;
  try {
    await ask?.(/"url":"(http:[^"]+)"/.exec(output)?.[1] ?? "");
    if (ask !== undefined) servedMs = performance.now() - begun;
  } finally {
    const hung = setTimeout(() => {
      console.error(`${service} did not end within ${END_MS_MAX} ms of SIGTERM and is killed.`);
      child.kill("SIGKILL");
    }, END_MS_MAX);
    child.kill("SIGTERM");
    await exited;
    clearTimeout(hung);
  }
  return { ...figures, servedMs };
}

/** A process that does nothing but listen: what Node itself takes. */
export async function bareOnce(): Promise<Start> {
  const program = 'require("node:http").createServer().listen(0, "127.0.0.1", () => console.log("up"))';
  const { figures, child, exited } = await startUntil("up", ["--eval", program], {});
  child.kill("SIGKILL");
  await exited;
  return { ...figures, servedMs: undefined };
}

/** Delivers a pull request to the webhook. */
export async function deliver(url: string, guid: string, secret: string): Promise<void> {
  const body = JSON.stringify(pullRequestBody());
  const { host: _, ...headers } = deliveryHeaders("pull_request", body);
  const { status } = await fetch(`${url}/webhooks/github`, {
    method: "POST",
    body,
    headers: { ...headers, "x-github-delivery": guid, "x-hub-signature-256": sign(body, secret) },
  });
  if (status !== 202) throw new Error(`The delivery was answered with ${status}.`);
}

/** Pushes a fact to a fact service, as the relay does. */
export async function push(url: string, fact: AnyFact, token: string): Promise<void> {
  const { status } = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: pushBody(fact, "local/bench"),
  });
  if (status !== 204) throw new Error(`The push of ${fact.type} was answered with ${status}.`);
}
