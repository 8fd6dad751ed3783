// How long from the start of a process until a service listens, and until the webhook has taken its first delivery: from the tree,
// bundled as in the image, and bundled with the compile cache of the image. In turns, so that other work falls on all of them.
// node scripts/launch.mjs bench/spawn.bench.ts
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKeys, openPrincipals, openStateFolder } from "../scripts/compose/state-folder.ts";
import { readTopology } from "../scripts/compose/topology.ts";
import { bundle } from "../scripts/image/bundle.ts";
import { deliveryHeaders, pullRequestBody, sign } from "../test/services/github-delivery.ts";
import { grouped, tell } from "./best-of.ts";
import { figuresOf } from "./figures.ts";

const ROUNDS = 7;
const START_MS_MAX = 30_000;
const WEBHOOK_GOAL_MS = 100;
const SERVICE_GOAL_MS = 120;
const ROOT = join(import.meta.dirname, "..");
const QUIET = "--disable-warning=ExperimentalWarning";
const NOWHERE = "http://127.0.0.1:9";

const work = mkdtempSync(join(tmpdir(), "signalbox-spawn-"));
const image = join(work, "app");
await bundle({ main: "scripts/image/main.ts" }, image);
const cache = join(work, "compile-cache");
const warmed = spawnSync(process.execPath, [join(ROOT, "scripts/image/warm.ts"), image], {
  env: { NODE_COMPILE_CACHE: cache },
  encoding: "utf8",
});
if (warmed.status !== 0) throw new Error(warmed.stderr);
const state = await openStateFolder(join(work, "state"));
const { webhookSecret } = await openKeys(state);
await openPrincipals(state, [{ principal: "admin", role: "admin", codeHostLogins: [], tokenFile: "token" }]);

const VARIABLES = {
  NODE_ENV: "production",
  SIGNALBOX_STATE: state.root,
  SIGNALBOX_PUSH_TOKEN: "a push token of a bench, long enough to be one",
  SIGNALBOX_API_URL: NOWHERE,
  SIGNALBOX_GATEWAY_PORT: "0",
  SIGNALBOX_SUBSCRIBERS: `registry=${NOWHERE}`,
  PORT: "0",
};

type Form = "tree" | "bundled" | "bundled, cached";
const FORMS: readonly Form[] = ["tree", "bundled", "bundled, cached"];

const commandOf = (form: Form, service: string): readonly string[] =>
  form === "tree"
    ? [QUIET, join(ROOT, "services", service, "main.ts")]
    : [QUIET, join(image, "main.js"), service];

interface Start {
  readonly listeningMs: number;
  /** Processor time until then, which says more than the clock on a machine that others use. */
  readonly cpuMs: number;
  readonly megabytes: number;
  /** Of the webhook: until it had taken a delivery. */
  readonly acceptedMs?: number;
}

async function deliver(url: string, guid: string): Promise<void> {
  const body = JSON.stringify(pullRequestBody());
  const { host: _, ...headers } = deliveryHeaders("pull_request", body);
  const { status } = await fetch(`${url}/webhooks/github`, {
    method: "POST",
    body,
    headers: { ...headers, "x-github-delivery": guid, "x-hub-signature-256": sign(body, webhookSecret) },
  });
  if (status !== 202) throw new Error(`The delivery was answered with ${status}.`);
}

const residentMegabytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_000;

/** Unit of processor times under /proc on Linux (proc(5), sysconf _SC_CLK_TCK). */
const MS_PER_TICK = 10;

function cpuMsOf(pid: number): number {
  // Behind the program's name, which is in brackets, utime and stime are the 12th and 13th fields.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

let deliveries = 0;

async function startOnce(form: Form, service: string): Promise<Start> {
  const env = { PATH: process.env["PATH"] ?? "", ...VARIABLES };
  const begun = performance.now();
  const child = spawn(process.execPath, commandOf(form, service), {
    env: form === "bundled, cached" ? { ...env, NODE_COMPILE_CACHE: cache } : env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const late = setTimeout(() => child.kill("SIGKILL"), START_MS_MAX);
  let output = "";
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (output.includes(`"${service} started"`)) break;
  }
  const listeningMs = performance.now() - begun;
  if (!output.includes(`"${service} started"`)) throw new Error(`${service} did not start: ${output}`);
  const cpuMs = cpuMsOf(child.pid ?? 0);
  const megabytes = residentMegabytes(child.pid ?? 0);
  let acceptedMs: number | undefined;
  if (service === "webhook") {
    await deliver(/"url":"(http:[^"]+)"/.exec(output)?.[1] ?? "", `bench-${(deliveries += 1)}`);
    acceptedMs = performance.now() - begun;
  }
  child.kill("SIGTERM");
  await exited;
  clearTimeout(late);
  return { listeningMs, cpuMs, megabytes, ...(acceptedMs === undefined ? {} : { acceptedMs }) };
}

/** A process that does nothing but listen: what Node itself takes. */
async function bareOnce(): Promise<number> {
  const program = 'require("node:http").createServer().listen(0, "127.0.0.1", () => console.log("up"))';
  const begun = performance.now();
  const child = spawn(process.execPath, ["--eval", program], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const time = performance.now() - begun;
  child.kill("SIGKILL");
  await once(child, "exit");
  return time;
}

const bare: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) bare.push(await bareOnce());
const least = (times: readonly number[]): string => Math.min(...times).toFixed(0);
const middle = (times: readonly number[]): string => figuresOf(times).p50.toFixed(0);

console.log(
  `Start of a process until it listens, ${ROUNDS} rounds in turns: median / least in ms, processor time in ms, memory\n`,
);
console.log(`| service | ${FORMS.join(" | ")} | goal |`);
console.log(`|---|${"---|".repeat(FORMS.length + 1)}`);
console.log(`| bare node:http | ${middle(bare)} / ${least(bare)} | | | |`);
let missed = 0;
const first = new Map<Form, readonly number[]>();
for (const service of Object.keys(readTopology())) {
  const starts = new Map<Form, Start[]>(FORMS.map((form) => [form, []]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const form of FORMS) starts.get(form)?.push(await startOnce(form, service));
  const cells = FORMS.map((form) => {
    const all = starts.get(form) ?? [];
    const times = all.map(({ listeningMs }) => listeningMs);
    first.set(
      form,
      service === "webhook" ? all.map(({ acceptedMs = 0 }) => acceptedMs) : (first.get(form) ?? []),
    );
    const cpu = middle(all.map((start) => start.cpuMs));
    const memory = grouped(figuresOf(all.map(({ megabytes }) => megabytes)).p50);
    return `${middle(times)} / ${least(times)}, ${cpu}, ${memory} MB`;
  });
  const goal = service === "webhook" ? WEBHOOK_GOAL_MS : SERVICE_GOAL_MS;
  const reached = Math.min(...(starts.get("bundled, cached") ?? []).map(({ listeningMs }) => listeningMs));
  if (reached > goal) missed += 1;
  console.log(`| ${service} | ${cells.join(" | ")} | ≤ ${goal} ms${reached > goal ? ", missed" : ""} |`);
}
console.log("");
for (const form of FORMS) {
  const times = first.get(form) ?? [];
  tell(`webhook, ${form}: until its first delivery is taken`, `${middle(times)} / ${least(times)} ms`);
}
rmSync(work, { recursive: true, force: true });
if (missed > 0) console.log(`\n${missed} services missed their goal, by the least of their times.`);
