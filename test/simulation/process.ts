// One life of the control plane: the real services on the outside, each call of a port through the seam.
import { readFileSync } from "node:fs";
import { createBus } from "../../shared/adapters/local/bus.ts";
import type { Database } from "../../shared/adapters/local/database.ts";
import { createExecutions } from "../../shared/adapters/local/executions.ts";
import { createWorkflowIdentity } from "../../shared/adapters/local/workflow-identity.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Bus } from "../../shared/ports/bus.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { createPump } from "../../shared/runtime/outbox.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import { createData } from "../../services/data/data.ts";
import { createProvisioner } from "../../services/provisioner/provisioner.ts";
import { BUILD_LIMITS } from "../../services/provisioner/ports.ts";
import { createRegistry } from "../../services/registry/registry.ts";
import { createRelay } from "../../services/relay/relay.ts";
import { createRollout } from "../../services/rollout/rollout.ts";
import { createWarmUps } from "../../services/rollout/warm-ups.ts";
import { createReceiptQueue } from "../../services/webhook/receipt-queue.ts";
import { SECRET } from "./invariants-of-ledger.ts";
import { exchangeByFetch } from "../support/exchange.ts";
import { copyingBus, poisoned } from "./carriers.ts";
import { createLife, type Life, type Lost } from "./seam.ts";
import type { Outside } from "./outside.ts";
import { vouching } from "./vouched-moves.ts";
import { watchfulLog } from "./watchful-log.ts";
import { createWorkflowApi } from "./workflow-api.ts";

const API = "http://127.0.0.1:7420";
/** Between two looks for receipts, of as many passes of the reconcilers. */
const RECEIPTS_EVERY_PASSES = 2;

const shipped = (name: string): string =>
  readFileSync(new URL(`../../workflows/${name}.yaml`, import.meta.url), "utf8");
const WORKFLOWS: Readonly<Record<string, string>> = {
  canary: shipped("canary"),
  "data-run": shipped("data-run"),
};
const NO_PLAN = new TextEncoder().encode(
  '{"terraform_version":"1.11.4","resource_changes":[],"output_changes":{}}',
);

/** What `fetch` throws when a request or its answer is lost. */
const connectionError = (what: Lost): Error =>
  new TypeError("fetch failed", {
    cause: Object.assign(new Error("simulated"), {
      code: what === "request" ? "ECONNREFUSED" : "ECONNRESET",
    }),
  });

const seamDatabase = (life: Life, db: Database): Database => ({
  rows: (sql, ...values) => db.rows(sql, ...values),
  row: (sql, ...values) => db.row(sql, ...values),
  migrate: (component, steps) => db.migrate(component, steps),
  write: (job) => life.through("journal.write", () => db.write(job)),
  close: () => {},
});

/** The outside as one life sees it. */
function portsOf(outside: Outside, life: Life, living: () => Bus | undefined) {
  const ports = {
    clock: life.clock,
    log: watchfulLog(outside, life.name),
    ledger: life.port("ledger", outside.ledger),
    outbox: life.port("outbox", outside.outbox),
    views: life.port("views", outside.views),
    receipts: life.port("receipts", outside.receipts),
    deadLetters: life.port("deadLetters", outside.deadLetters),
    ...vouching(outside, {
      traffic: life.port("traffic", outside.traffic),
      deploys: life.port("deploys", outside.deploys),
    }),
    metrics: life.port("metrics", outside.metrics),
    artifacts: life.port("artifacts", outside.artifacts),
    cluster: life.port("cluster", outside.ray.cluster),
    codeHost: life.port("codeHost", outside.git.codeHost),
    checks: life.port("checks", outside.checks),
    builds: life.port("builds", outside.builds.builds),
    blobs: { put: () => Promise.reject(new Error("nothing is put")), get: async () => NO_PLAN },
  };
  const local = createBus(ports);
  const bus = life.port("bus", copyingBus(outside, local, living));
  const pump = createPump({ ...ports, bus });
  const announce = (facts: readonly AnyFact[]): Promise<void> => pump.announce(facts);
  return { ...ports, local, bus, pump, announce };
}

/** Workflow executions of this life: the real engine, its journal in the database, its requests through the seam. */
export function createSimulatedExecutions(
  { db }: Pick<Outside, "db">,
  life: Life,
  log: ReturnType<typeof watchfulLog>,
  answer: (url: string, body: string) => Promise<Response>,
  workflows: Readonly<Record<string, string>> = WORKFLOWS,
) {
  let seeds = 0;
  const local = createExecutions({
    db: seamDatabase(life, db),
    clock: life.clock,
    log,
    workflow: (workflow) => workflows[workflow],
    identity: createWorkflowIdentity({ mint: async () => SECRET }),
    newSeed: () => `${life.name}/${++seeds}`,
    exchange: exchangeByFetch((url, init) => {
      const body = Buffer.from(init.body as Uint8Array).toString();
      return life.through("api.call", () => answer(url, body), { lost: connectionError });
    }),
  });
  const { start, get, find, cancel } = local;
  return { local, executions: life.port("executions", { start, get, find, cancel }) };
}

/** What a life of the control plane is started with. */
export interface ProcessOptions {
  readonly name: string;
  /** Told at once when it dies. */
  readonly onCrash: () => void;
  /** The bus of the process that lives then, for copies that come late. */
  readonly living: () => Bus | undefined;
  readonly crashAt?: Outside["shape"]["crashAt"];
}

function begin(outside: Outside, { name, onCrash, crashAt }: ProcessOptions): Life {
  const { time, faults, history } = outside;
  return createLife({
    name,
    time,
    faults,
    history,
    onCrash,
    crashAt,
    onLostReply(point, answer) {
      const { kind } = (answer ?? {}) as { kind?: string };
      if (point === "traffic.write" && kind === "written") history.mark("a lost reply of a traffic move");
      if (point === "ledger.append" && answer === "appended") history.mark("a lost reply of an append");
      if (point === "builds.start") history.mark("a lost reply of a build's start");
      if (point === "cluster.submit") history.mark("a lost reply of a job's submission");
    },
  });
}

/** Starts the control plane on the outside. */
export async function startProcess(outside: Outside, options: ProcessOptions) {
  const { history, shape } = outside;
  const { name } = options;
  const life = begin(outside, options);
  const ports = portsOf(outside, life, options.living);
  const api = createWorkflowApi(ports);
  const { local, executions } = createSimulatedExecutions(outside, life, ports.log, (url, body) =>
    api.answer(url, body),
  );
  const relay = createRelay(ports);
  const services: readonly FactService[] = [
    createProvisioner({ ...ports, limits: BUILD_LIMITS, url: API }),
    createRegistry(ports),
    createRollout({ ...ports, executions, api: () => API }),
    createData({ ...ports, executions, api: () => API }),
  ];
  for (const service of services) ports.local.subscribe(poisoned(outside, service));
  const receiptQueue = createReceiptQueue(ports);
  if ((await local.resume()) > 0) history.mark("an execution taken up by the next process");
  for (const service of [relay, ...services]) {
    if (service.reconcile === undefined) continue;
    const pass = (): Promise<void> => service.reconcile?.() ?? Promise.resolve();
    repeat(ports, service.name, shape.reconcileMs, pass);
  }
  repeat(ports, "warm-ups", shape.reconcileMs, createWarmUps(ports));
  repeat(ports, "receipts", RECEIPTS_EVERY_PASSES * shape.reconcileMs, () => receiptQueue.sweep());
  history.add(name, "starts");
  return { life, ports, operations: api.rollouts, runs: api.runs, receiptQueue, name };
}

/** One life of the control plane. */
export type Process = Awaited<ReturnType<typeof startProcess>>;
