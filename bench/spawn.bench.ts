// How long from the start of a process until a service listens, and until it has done the first thing it is there for: from the tree,
// bundled as in the image, and with the compiled code of the image; this also in the form that runs on Google Cloud, over the official
// emulators. In turns, so that other work falls on all of them.
// node scripts/launch.mjs bench/spawn.bench.ts
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLedger } from "../scripts/compose/open-ledger.ts";
import { openKeys, openPrincipals, openStateFolder } from "../scripts/compose/state-folder.ts";
import { readTopology } from "../scripts/compose/topology.ts";
import { bundleServices } from "../scripts/image/services.ts";
import { toScripts } from "../scripts/image/to-scripts.ts";
import type { AnyFact, Draft } from "../shared/domain/fact.ts";
import { batchOf } from "../test/support/facts.ts";
import { SETTINGS } from "../test/support/plans.ts";
import { grouped } from "./best-of.ts";
import { emulatorJar, emulatorMissing, startEmulator } from "../scripts/compose/emulators.ts";
import { figuresOf } from "./figures.ts";
import { bareOnce, deliver, push, type Start, startOnce } from "./service-starts.ts";

const ROUNDS = 7;
/** No round begins later; one round always runs. */
const ROUNDS_MS_MAX = 150_000;
const WARM_MS_MAX = 300_000;
const WEBHOOK_GOAL_MS = 100;
const SERVICE_GOAL_MS = 120;
const ROOT = join(import.meta.dirname, "..");
const QUIET = "--disable-warning=ExperimentalWarning";
const NOWHERE = "http://127.0.0.1:9";
const PUSH_TOKEN = "a push token of a bench, long enough to be one";

const work = mkdtempSync(join(tmpdir(), "signalbox-spawn-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
const plain = join(work, "plain");
await bundleServices(plain);
await toScripts(plain);
const cached = join(work, "cached");
cpSync(plain, cached, { recursive: true });
const warmed = spawnSync(process.execPath, [QUIET, join(ROOT, "scripts/image/warm.ts"), cached], {
  env: { PATH: process.env["PATH"] ?? "" },
  encoding: "utf8",
  timeout: WARM_MS_MAX,
  killSignal: "SIGKILL",
});
if (warmed.status !== 0) throw new Error(`The caches were not filled: ${warmed.stderr}`);
const state = await openStateFolder(join(work, "state"));
const { webhookSecret } = await openKeys(state);
await openPrincipals(state, [{ principal: "admin", role: "admin", codeHostLogins: [], tokenFile: "token" }]);
const { ledger, db } = openLedger(state);

const ENVIRONMENT = {
  PATH: process.env["PATH"] ?? "",
  NODE_ENV: "production",
  SIGNALBOX_STATE: state.root,
  SIGNALBOX_PUSH_TOKEN: PUSH_TOKEN,
  SIGNALBOX_API_URL: NOWHERE,
  SIGNALBOX_GATEWAY_PORT: "0",
  SIGNALBOX_SUBSCRIBERS: `registry=${NOWHERE}`,
  PORT: "0",
};
const FORMS = ["tree", "bundled", "bundled, compiled", "on emulators, compiled"] as const;
type Form = (typeof FORMS)[number];
/** The form that the goals are about. */
const MEASURED: Form = "bundled, compiled";
const commandOf = (form: Form, service: string): readonly string[] => {
  if (form === "tree") return [QUIET, join(ROOT, "services", service, "main.ts")];
  return [QUIET, join(form === "bundled" ? plain : cached, "main.js"), service];
};

/** The world of Google Cloud, where its emulators are on this machine. */
const emulators = await openEmulators();
async function openEmulators() {
  if (emulatorJar("firestore") === undefined || emulatorJar("pubsub") === undefined) {
    console.log("Not measured over the emulators: " + emulatorMissing("firestore"));
    return undefined;
  }
  const [firestore, pubsub] = await Promise.all([startEmulator("firestore"), startEmulator("pubsub")]);
  const environment = {
    METADATA_SERVER_DETECTION: "none",
    SIGNALBOX_WORLD: "google-cloud",
    GOOGLE_CLOUD_PROJECT: "bench",
    SIGNALBOX_DATABASE: "(default)",
    SIGNALBOX_FACTS_TOPIC: "facts",
    SIGNALBOX_SUBSCRIPTION: "projects/bench/subscriptions/facts-bench",
    FIRESTORE_EMULATOR_HOST: firestore.host,
    PUBSUB_EMULATOR_HOST: pubsub.host,
    // Production refuses emulators.
    NODE_ENV: "",
  };
  return { environment, stop: () => Promise.all([firestore.stop(), pubsub.stop()]) };
}

/** A fact that the service handles without asking anybody outside. */
const FIRST_FACTS: Readonly<Record<string, (turn: number) => readonly [string, Draft]>> = {
  provisioner: (turn) => [
    `stacks/bench-${turn}`,
    { type: "stack.configured", data: { repository: "acme/platform", commit: "c1", ...SETTINGS } },
  ],
  registry: (turn) => [
    `teams/default/models/bench-${turn}`,
    {
      type: "model-version.created",
      data: {
        modelVersion: `teams/default/models/bench-${turn}/versions/1`,
        artifact: { uri: "file:///nowhere", digest: `tree-sha256:${"0".repeat(64)}` },
        datasets: [],
        metrics: {},
      },
    },
  ],
  rollout: (turn) => [
    `teams/default/endpoints/bench-${turn}`,
    {
      type: "endpoint.configured",
      data: {
        repository: "acme/platform",
        commit: "c1",
        serving: { parameters: {}, local: { command: ["node"], readiness: "/healthz" }, directory: "." },
        rollout: { steps: [50] },
        standbyMs: 60_000,
      },
    },
  ],
};

let turns = 0;

/** What the service is asked first: a delivery of the webhook, a push of a fact service. */
async function firstQuestion(service: string): Promise<((url: string) => Promise<void>) | undefined> {
  turns += 1;
  if (service === "webhook") return (url) => deliver(url, `bench-${turns}`, webhookSecret);
  const first = FIRST_FACTS[service]?.(turns);
  if (first === undefined) return undefined;
  const [stream, draft] = first;
  const batch = batchOf(stream, 0, "bench", [draft]);
  await ledger.append(batch);
  const [fact] = batch.facts as readonly [AnyFact];
  return (url) => push(url, fact, PUSH_TOKEN);
}

const services = Object.keys(readTopology());
const bare: Start[] = [];
const starts = new Map<string, Start[]>();
const startsOf = (service: string, form: Form): Start[] => {
  const key = `${service} ${form}`;
  const known = starts.get(key) ?? [];
  starts.set(key, known);
  return known;
};
const begun = performance.now();
let rounds = 0;
for (; rounds < ROUNDS && (rounds === 0 || performance.now() - begun < ROUNDS_MS_MAX); rounds += 1) {
  bare.push(await bareOnce());
  for (const service of services)
    for (const form of FORMS) {
      const isEmulated = form === "on emulators, compiled";
      if (isEmulated && emulators === undefined) continue;
      // There facts lie in another ledger, which nobody has filled.
      const ask = isEmulated ? undefined : await firstQuestion(service);
      const environment = isEmulated ? { ...ENVIRONMENT, ...emulators?.environment } : ENVIRONMENT;
      const command = commandOf(form, service);
      startsOf(service, form).push(await startOnce({ service, command, environment, ask }));
    }
}
db.close();
await emulators?.stop();

const least = (times: readonly number[]): string => Math.min(...times).toFixed(0);
const middle = (times: readonly number[]): string => figuresOf(times).p50.toFixed(0);
const listening = (all: readonly Start[]): readonly number[] => all.map((start) => start.listeningMs);
const processor = (all: readonly Start[]): readonly number[] => all.map((start) => start.cpuMs);
const bareCpuMs = Math.min(...processor(bare));

function cell(all: readonly Start[]): string {
  if (all.length === 0) return "";
  const served = all.flatMap(({ servedMs }) => (servedMs === undefined ? [] : [servedMs]));
  const ratio = (Math.min(...processor(all)) / bareCpuMs).toFixed(1);
  const times = `${middle(listening(all))} / ${least(listening(all))}`;
  const memory = grouped(figuresOf(all.map(({ megabytes }) => megabytes)).p50);
  const first = served.length === 0 ? "" : `, first ${middle(served)} / ${least(served)}`;
  return `${times}${first}, ${least(processor(all))} (${ratio} ×), ${memory} MB`;
}

console.log(
  [
    `Start of a process until it listens, ${rounds} rounds in turns: median / least by the clock, until the first delivery or push is`,
    "done, least processor time and its ratio to a process that only listens (ms), memory\n",
    `| service | ${FORMS.join(" | ")} | goal |`,
    `|---|${"---|".repeat(FORMS.length + 1)}`,
    `| bare node:http | ${middle(listening(bare))} / ${least(listening(bare))}, ${least(processor(bare))} | | | |`,
  ].join("\n"),
);
let missed = 0;
for (const service of services) {
  const goal = service === "webhook" ? WEBHOOK_GOAL_MS : SERVICE_GOAL_MS;
  const isMissed = Math.min(...listening(startsOf(service, MEASURED))) > goal;
  if (isMissed) missed += 1;
  const cells = FORMS.map((form) => cell(startsOf(service, form)));
  console.log(`| ${service} | ${cells.join(" | ")} | ≤ ${goal} ms${isMissed ? ", missed" : ""} |`);
}
if (missed > 0) console.log(`\n${missed} services missed their goal, by the least of their times.`);
