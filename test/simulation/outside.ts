// Everything that outlives the simulated process: the database, the code host, builds, backends, the traffic document, requests.
import type { Database } from "../../shared/adapters/local/database.ts";
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createOutbox } from "../../shared/adapters/local/outbox.ts";
import { createReceipts } from "../../shared/adapters/local/receipts.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import { versionWeights } from "../../shared/domain/traffic.ts";
import { createMemoryTraffic } from "../support/memory-traffic.ts";
import { type Behaviour, createBackends, ENDPOINT } from "../support/simulated-serving.ts";
import { createSimulatedArtifacts } from "./artifacts.ts";
import { createFaults } from "./faults.ts";
import { createSimulatedChecks, createSimulatedGit } from "./git.ts";
import { createHistory } from "./history.ts";
import { createRandom } from "../../shared/domain/random.ts";
import { observedDeploys, observedLedger, observedOutbox, observedTraffic } from "./observed.ts";
import { lendDatabase } from "./lent-database.ts";
import { createSimulatedRay } from "./ray.ts";
import { createCounters, createUsers } from "./requests.ts";
import { type Shape, shapeOf } from "./shape.ts";
import { createSimulatedBuilds } from "./terraform.ts";
import { createSimulatedTime, type SimulatedTime } from "./time.ts";
import { ROLLOUT_ENDS } from "./traffic-law.ts";
import { createVouchedMoves } from "./vouched-moves.ts";

/** The repository of all stacks and of the endpoint. */
export const REPOSITORY = "acme/platform";
/** Simulated requests per second to the endpoint: many, so that the judge needs seconds and not minutes. */
const REQUESTS_PER_SECOND = 2_000;
/** A backend that is not ready by then has failed. */
const READY_MS_MAX = 20_000;

/** The database, which says when something was committed: then this moment of virtual time is not over. */
function stirring(db: Database, time: SimulatedTime): Database {
  return {
    ...db,
    async write(job) {
      time.stir();
      try {
        return await db.write(job);
      } finally {
        time.stir();
      }
    },
  };
}

/** Versions that serve, and their users. */
function createServing(time: SimulatedTime) {
  const behaviours = new Map<string, Behaviour>();
  const trained = new Map<string, string>();
  const backends = createBackends(time, behaviours, {
    readyTimeoutMs: READY_MS_MAX,
    digest: (uri) => trained.get(uri),
  });
  const counters = createCounters(ENDPOINT);
  const answering = (backend: string) => ({
    ready: backends.stateOf(backend) === "ready",
    errorRate: backends.behaviourOf(backend).errorRate ?? 0,
  });
  const traffic = createMemoryTraffic();
  const weights = async () => (await traffic.read(ENDPOINT))?.weights ?? {};
  const users = createUsers(counters, answering, REQUESTS_PER_SECOND);
  return { behaviours, trained, backends, counters, traffic, weights, users };
}

/** The outside of one history. Close it at the end. `change` makes another history of the seed than its own. */
export function createOutside(seed: number, change: Partial<Shape> = {}) {
  const time = createSimulatedTime();
  const history = createHistory(() => time.now());
  const random = createRandom(seed);
  const shape = { ...shapeOf(random), ...change };
  // Streams of their own, so that one more draw of one part leaves the others alone.
  const faults = createFaults(createRandom(seed + 1e9), shape.roughness);
  const violations: string[] = [];
  const broken = (what: string): void => {
    history.add("BROKEN", what);
    violations.push(what);
  };
  const observer = { history, broken };
  const facts: AnyFact[] = [];
  const lent = lendDatabase();
  const db = stirring(lent.db, time);
  const serving = createServing(time);
  const { backends, counters } = serving;
  const ray = createSimulatedRay(() => time.now(), createRandom(seed + 3e9));
  /** Facts and timers that the bus has taken: everybody who wants them has handled them, or keeps them as dead letters. */
  const delivered = new Set<string>();
  const vouched = createVouchedMoves();
  const healed = (): boolean => faults.healed();
  return {
    seed,
    shape,
    time,
    history,
    random,
    faults,
    violations,
    broken,
    facts,
    db,
    ...serving,
    artifacts: createSimulatedArtifacts(serving.trained, ray.wrote),
    metrics: counters.metrics,
    ray,
    builds: createSimulatedBuilds({ time, random: createRandom(seed + 2e9), history, broken, healed }),
    git: createSimulatedGit(REPOSITORY),
    checks: createSimulatedChecks(),
    vouched,
    traffic: observedTraffic(serving.traffic, observer, {
      stateOf: (backend, epoch) => (vouched.has(backend, epoch) ? "ready" : backends.stateOf(backend)),
      hasEnded: (rollout) => facts.some(({ subject, type }) => subject === rollout && ROLLOUT_ENDS.has(type)),
    }),
    deploys: observedDeploys(backends.deploys, observer, serving.weights),
    ledger: observedLedger(createLedger(db), observer, (fact) => void facts.push(fact)),
    delivered,
    outbox: observedOutbox(createOutbox(db), observer, delivered),
    views: createViews(db),
    receipts: createReceipts(db),
    deadLetters: createDeadLetters(db),
    /** Weights by version, as users meet them. */
    versionWeights: async () => {
      const document = await serving.traffic.read(ENDPOINT);
      return document === undefined ? {} : versionWeights(document);
    },
    document: () => serving.traffic.read(ENDPOINT),
    close: () => lent.giveBack(),
  };
}

/** The outside of a history. */
export type Outside = ReturnType<typeof createOutside>;
