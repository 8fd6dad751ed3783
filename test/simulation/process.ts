// One life of the control plane: the real services on the outside, each call of a port through the seam.
import { readFileSync } from "node:fs";
import { createBus } from "../../shared/adapters/local/bus.ts";
import type { Database } from "../../shared/adapters/local/database.ts";
import { exchangeByFetch } from "../support/exchange.ts";
import { createWorkflowIdentity } from "../../shared/adapters/local/workflow-identity.ts";
import { createExecutions } from "../../shared/adapters/local/executions.ts";
import { ControlPlaneError, isTransient } from "../../shared/domain/errors.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Bus } from "../../shared/ports/bus.ts";
import { errorAnswer } from "../../shared/runtime/errors.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import type { Log, LogFields } from "../../shared/runtime/log.ts";
import { createPump } from "../../shared/runtime/outbox.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import { createRolloutOperations } from "../../services/api/rollouts/operations.ts";
import { createProvisioner } from "../../services/provisioner/provisioner.ts";
import { BUILD_LIMITS } from "../../services/provisioner/ports.ts";
import { createRegistry } from "../../services/registry/registry.ts";
import { createRelay } from "../../services/relay/relay.ts";
import { createRollout } from "../../services/rollout/rollout.ts";
import { createWarmUps } from "../../services/rollout/warm-ups.ts";
import { createReceiptQueue } from "../../services/webhook/receipt-queue.ts";
import { createLife, type Life, type Lost } from "./seam.ts";
import type { Outside } from "./outside.ts";

const API = "http://127.0.0.1:7420";
/** Between two passes of the reconcilers, and two looks for receipts. */
const RECONCILE_EVERY_MS = 1_000;
const RECEIPTS_EVERY_MS = 5_000;
/** Most copies of one fact that the bus delivers besides the first, and how late they come. */
const DUPLICATES_MAX = 4;
const DUPLICATE_LATE_MS_MAX = 20_000;
const DUPLICATE_CHANCE = 0.08;

const CANARY = readFileSync(new URL("../../workflows/canary.yaml", import.meta.url), "utf8");
const NO_PLAN = new TextEncoder().encode(
  '{"terraform_version":"1.11.4","resource_changes":[],"output_changes":{}}',
);

/** A log that takes only defects seriously: an error that is none of our table's. */
function watchfulLog({ broken, history }: Outside, name: string): Log {
  const defect = (fields: LogFields, message: string): void => {
    const { error } = fields as { error?: unknown };
    if (error === undefined || error instanceof ControlPlaneError) return;
    broken(
      `${name}: ${message} ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}`,
    );
  };
  return {
    info: () => {},
    warn: defect,
    error(fields, message) {
      defect(fields, message);
      const { error } = fields as { error?: unknown };
      if (error !== undefined && !isTransient(error))
        history.add(
          name,
          `error ${message} ${error instanceof Error ? error.message : JSON.stringify(error)}`,
        );
    },
  };
}

/** Delivers some facts again, late, to whatever process lives then; so facts come out of order too. */
function repeatingBus(outside: Outside, bus: Bus, living: () => Bus | undefined): Bus {
  const { faults, random, clock, history } = outside;
  const again = async (fact: AnyFact): Promise<void> => {
    await clock.sleep(random.uniform() * DUPLICATE_LATE_MS_MAX);
    history.mark("a fact delivered again");
    try {
      await living()?.publish(fact);
    } catch {
      // A copy is nobody's to retry: the first delivery was handled.
    }
  };
  return {
    async publish(fact) {
      await bus.publish(fact);
      if (faults.healed() || random.uniform() > DUPLICATE_CHANCE) return;
      const copies = 1 + Math.floor(random.uniform() * DUPLICATES_MAX);
      for (let copy = 0; copy < copies; copy++) void again(fact);
    },
  };
}

const connectionError =
  () =>
  (what: Lost): Error =>
    new TypeError("fetch failed", {
      cause: Object.assign(new Error("simulated"), {
        code: what === "request" ? "ECONNREFUSED" : "ECONNRESET",
      }),
    });

type Operations = ReturnType<typeof createRolloutOperations>;
type Verdict = Parameters<Operations["finish"]>[2];

async function answerOf(operations: Operations, url: string, body: string): Promise<Response> {
  const [, name = "", verb = ""] = /\/v1\/(.+):([a-z]+)$/.exec(url) ?? [];
  const { execution, step, verdict } = JSON.parse(body) as {
    execution: string;
    step: number;
    verdict: Verdict;
  };
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    claim: () => operations.claim(name, execution),
    look: () => operations.look(name, execution),
    step: () => operations.step(name, execution, step),
    finish: () => operations.finish(name, execution, verdict),
  };
  const headers = { "content-type": "application/json" };
  try {
    const answer = await calls[verb]?.();
    return new Response(JSON.stringify(answer), { status: 200, headers });
  } catch (error) {
    const { status, body: told } = errorAnswer(error, "simulated", "caller");
    return new Response(JSON.stringify(told), { status, headers });
  }
}

const seamDatabase = (life: Life, db: Database): Database => ({
  rows: (sql, ...values) => db.rows(sql, ...values),
  row: (sql, ...values) => db.row(sql, ...values),
  migrate: (component, steps) => db.migrate(component, steps),
  write: (job) => life.through("journal.write", () => db.write(job)),
  close: () => {},
});

/** The outside as one life sees it. */
function portsOf(outside: Outside, life: Life, living: () => Bus | undefined) {
  const { name } = life;
  const ports = {
    clock: life.clock,
    log: watchfulLog(outside, name),
    ledger: life.port("ledger", outside.ledger),
    outbox: life.port("outbox", outside.outbox),
    views: life.port("views", outside.views),
    receipts: life.port("receipts", outside.receipts),
    deadLetters: life.port("deadLetters", outside.deadLetters),
    traffic: life.port("traffic", outside.traffic),
    deploys: life.port("deploys", outside.deploys),
    metrics: life.port("metrics", outside.metrics),
    artifacts: life.port("artifacts", outside.artifacts),
    codeHost: life.port("codeHost", outside.git.codeHost),
    checks: life.port("checks", outside.checks),
    builds: life.port("builds", outside.builds.builds),
    blobs: { put: () => Promise.reject(new Error("nothing is put")), get: async () => NO_PLAN },
  };
  const local = createBus(ports);
  const bus = life.port("bus", repeatingBus(outside, local, living));
  const pump = createPump({ ...ports, bus });
  const announce = (facts: readonly AnyFact[]): Promise<void> => pump.announce(facts);
  return { ...ports, local, bus, pump, announce };
}

/** What a life of the control plane is started with. */
export interface ProcessOptions {
  readonly name: string;
  /** Told at once when it dies. */
  readonly onCrash: () => void;
  /** The bus of the process that lives then, for copies that come late. */
  readonly living: () => Bus | undefined;
}

/** Starts the control plane on the outside. */
export async function startProcess(outside: Outside, { name, onCrash, living }: ProcessOptions) {
  const { history, faults } = outside;
  const life = createLife({
    name,
    clock: outside.clock,
    faults,
    history,
    onCrash,
    onLostReply(point, answer) {
      const { kind } = (answer ?? {}) as { kind?: string };
      if (point === "traffic.write" && kind === "written") history.mark("a lost reply of a traffic move");
      if (point === "ledger.append" && answer === "appended") history.mark("a lost reply of an append");
      if (point === "builds.start") history.mark("a lost reply of a build's start");
    },
  });
  const ports = portsOf(outside, life, living);
  const operations = createRolloutOperations(ports);
  const local = createExecutions({
    db: seamDatabase(life, outside.db),
    clock: life.clock,
    log: ports.log,
    workflow: (workflow) => (workflow === "canary" ? CANARY : undefined),
    identity: createWorkflowIdentity({ mint: async () => "a.workflow.token" }),
    exchange: exchangeByFetch((url, init) =>
      life.through(
        "api.call",
        () => answerOf(operations, url, Buffer.from(init.body as Uint8Array).toString()),
        connectionError(),
      ),
    ),
  });
  const executions = life.port("executions", {
    start: (order: Parameters<typeof local.start>[0]) => local.start(order),
    get: (id: string) => local.get(id),
    find: (cause: string) => local.find(cause),
    cancel: (id: string) => local.cancel(id),
  });
  const relay = createRelay(ports);
  const services: readonly FactService[] = [
    createProvisioner({ ...ports, limits: BUILD_LIMITS, url: API }),
    createRegistry(ports),
    createRollout({ ...ports, executions, api: () => API }),
  ];
  for (const service of services) ports.local.subscribe(service);
  const receiptQueue = createReceiptQueue(ports);
  if ((await local.resume()) > 0) history.mark("an execution taken up by the next process");
  for (const service of [relay, ...services]) {
    if (service.reconcile === undefined) continue;
    const pass = (): Promise<void> => service.reconcile?.() ?? Promise.resolve();
    repeat(ports, service.name, RECONCILE_EVERY_MS, pass);
  }
  repeat(ports, "warm-ups", RECONCILE_EVERY_MS, createWarmUps(ports));
  repeat(ports, "receipts", RECEIPTS_EVERY_MS, () => receiptQueue.sweep());
  history.add(name, "starts");
  return { life, ports, operations, receiptQueue, name };
}

/** One life of the control plane. */
export type Process = Awaited<ReturnType<typeof startProcess>>;
