// Everything that outlives the simulated process: the database, the code host, builds, backends, the traffic document, requests.
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createOutbox } from "../../shared/adapters/local/outbox.ts";
import { createReceipts } from "../../shared/adapters/local/receipts.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import { type TrafficDocument, versionWeights } from "../../shared/domain/traffic.ts";
import type { Artifacts } from "../../shared/ports/artifacts.ts";
import type { Deploys } from "../../shared/ports/deploys.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import type { Metrics } from "../../shared/ports/metrics.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";
import { createVirtualClock } from "../support/clock.ts";
import { createMemoryTraffic } from "../support/memory-traffic.ts";
import { type Behaviour, createBackends, createLoad, ENDPOINT } from "../support/simulated-serving.ts";
import { createFaults } from "./faults.ts";
import { createSimulatedChecks, createSimulatedGit } from "./git.ts";
import { createHistory, type History } from "./history.ts";
import { createRandom } from "../../shared/domain/random.ts";
import { createSimulatedBuilds } from "./terraform.ts";
import { trafficProblem } from "./traffic-law.ts";

/** Simulated requests per second to the endpoint: many, so that the judge needs seconds and not minutes. */
const REQUESTS_PER_SECOND = 1_000;

/** Writes down every fact as it becomes durable. */
function observedLedger(ledger: Ledger, history: History, onFact: (fact: AnyFact) => void): Ledger {
  return {
    read: (stream, after) => ledger.read(stream, after),
    decision: (stream, cause) => ledger.decision(stream, cause),
    list: (query) => ledger.list(query),
    snapshot: (stream, fold) => ledger.snapshot(stream, fold),
    keepSnapshot: (stream, fold, kept) => ledger.keepSnapshot(stream, fold, kept),
    async append(batch) {
      const answer = await ledger.append(batch);
      if (answer !== "appended") return answer;
      for (const fact of batch.facts) {
        history.add("ledger", `${fact.type} ${fact.subject} v${fact.version} ${JSON.stringify(fact.data)}`);
        onFact(fact);
      }
      return answer;
    },
  };
}

/** Checks every write of a traffic document against what it may not do. */
function observedTraffic(
  traffic: Traffic,
  history: History,
  stateOf: (backend: string) => string,
  broken: (what: string) => void,
): Traffic {
  const written = new Map<number, TrafficDocument>();
  return {
    read: (endpoint) => traffic.read(endpoint),
    list: () => traffic.list(),
    async write(endpoint, document) {
      const answer = await traffic.write(endpoint, document);
      if (answer.kind === "conflict") return answer;
      const { resourceVersion } = answer.document;
      const before = written.get(resourceVersion - 1);
      written.set(resourceVersion, answer.document);
      const { epoch, hold, moves } = answer.document.traffic;
      const kind = moves[0]?.epoch === before?.traffic.epoch ? "standing" : moves[0]?.kind;
      history.add(
        "traffic",
        `epoch ${epoch} ${kind} ${JSON.stringify(answer.document.weights)}${hold === null ? "" : " held"}`,
      );
      const problem = trafficProblem(before, answer.document, stateOf);
      if (problem !== undefined) broken(problem);
      return answer;
    },
  };
}

/** Refuses nothing, but notices when a backend that has traffic is stopped. */
function observedDeploys(
  deploys: Deploys,
  history: History,
  weights: () => Promise<Readonly<Record<string, number>>>,
  broken: (what: string) => void,
): Deploys {
  return {
    async prepare(request) {
      const before = await deploys.status(request.backend, 0);
      await deploys.prepare(request);
      const after = await deploys.status(request.backend, 0);
      if (before.state !== after.state) history.add("deploys", `prepare ${request.backend}`);
    },
    status: (backend, timeoutMs) => deploys.status(backend, timeoutMs),
    async warm(backend) {
      history.add("deploys", `warm ${backend}`);
      return deploys.warm(backend);
    },
    async retire(backend) {
      history.add("deploys", `retire ${backend}`);
      if ((await weights())[backend] !== undefined) broken(`${backend} is stopped while it has traffic`);
      await deploys.retire(backend);
    },
  };
}

/** The outside of one history. Close it at the end. */
export function createOutside(seed: number) {
  const clock = createVirtualClock();
  const history = createHistory(() => clock.now());
  const random = createRandom(seed);
  // Streams of their own, so that one more draw of one part leaves the others alone.
  const streams = { faults: createRandom(seed + 1e9), builds: createRandom(seed + 2e9) };
  const roughness = random.pick([0, 0.25, 0.5, 1, 1, 2]);
  const faults = createFaults(streams.faults, roughness);
  const violations: string[] = [];
  const broken = (what: string): void => {
    history.add("BROKEN", what);
    violations.push(what);
  };
  const facts: AnyFact[] = [];
  const db = openDatabase(":memory:");
  const behaviours = new Map<string, Behaviour>();
  const backends = createBackends(clock, behaviours);
  const load = createLoad(backends);
  load.load.requestsPerSecond = REQUESTS_PER_SECOND;
  const rawTraffic = createMemoryTraffic();
  const weights = async () => (await rawTraffic.read(ENDPOINT))?.weights ?? {};
  const digests = new Map<string, string>();
  const artifacts: Artifacts = {
    digest: async (uri) => digests.get(uri) ?? "sha256:unknown",
    path: async (uri) => uri,
  };
  const metrics: Metrics = {
    samples: async (_, from, to) => load.samples.filter(({ time }) => time >= from && time <= to),
  };
  const builds = createSimulatedBuilds({
    now: () => clock.now(),
    random: streams.builds,
    history,
    broken,
    healed: () => faults.healed(),
  });
  return {
    seed,
    roughness,
    clock,
    history,
    random,
    faults,
    violations,
    broken,
    facts,
    db,
    behaviours,
    backends,
    artifacts,
    digests,
    metrics,
    builds,
    git: createSimulatedGit(),
    checks: createSimulatedChecks(),
    traffic: observedTraffic(rawTraffic, history, (backend) => backends.stateOf(backend), broken),
    deploys: observedDeploys(backends.deploys, history, weights, broken),
    ledger: observedLedger(createLedger(db), history, (fact) => void facts.push(fact)),
    outbox: createOutbox(db),
    views: createViews(db),
    receipts: createReceipts(db),
    deadLetters: createDeadLetters(db),
    /** One second of requests, by the weights as they are now. */
    async second() {
      load.second(clock.now().toISOString(), await weights());
    },
    weights: async () => {
      const document = await rawTraffic.read(ENDPOINT);
      return document === undefined ? {} : versionWeights(document);
    },
    document: () => rawTraffic.read(ENDPOINT),
    close: () => db.close(),
  };
}

/** The outside of a history. */
export type Outside = ReturnType<typeof createOutside>;
