// Watches what the simulated process does to the outside, and says so at once when it may not do it.
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { TrafficDocument } from "../../shared/domain/traffic.ts";
import type { Deploys } from "../../shared/ports/deploys.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import type { Outbox } from "../../shared/ports/outbox.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";
import type { History } from "./history.ts";
import { type Standing, trafficProblem } from "./traffic-law.ts";

/** Where an observer writes what it saw. */
export interface Observer {
  readonly history: History;
  readonly broken: (what: string) => void;
}

/** Writes down every fact as it becomes durable, and notices when a stream decides one cause twice. */
export function observedLedger(
  ledger: Ledger,
  { history, broken }: Observer,
  onFact: (fact: AnyFact) => void,
): Ledger {
  const decided = new Set<string>();
  return {
    read: (stream, after) => ledger.read(stream, after),
    decision: (stream, cause) => ledger.decision(stream, cause),
    list: (query) => ledger.list(query),
    snapshot: (stream, fold) => ledger.snapshot(stream, fold),
    keepSnapshot: (stream, fold, kept) => ledger.keepSnapshot(stream, fold, kept),
    async append(batch) {
      const answer = await ledger.append(batch);
      if (answer !== "appended") return answer;
      const decision = `${batch.cause} on ${batch.stream}`;
      if (decided.has(decision)) broken(`${decision} is decided twice`);
      decided.add(decision);
      for (const fact of batch.facts) {
        history.add("ledger", `${fact.type} ${fact.subject} v${fact.version} ${JSON.stringify(fact.data)}`);
        onFact(fact);
      }
      return answer;
    },
  };
}

/** Notices when a fact counts as published, or a timer as fired, before everybody who wants it was given it. */
export function observedOutbox(outbox: Outbox, { broken }: Observer, delivered: ReadonlySet<string>): Outbox {
  return {
    pending: (now, limit) => outbox.pending(now, limit),
    timersDue: (now, limit) => outbox.timersDue(now, limit),
    async settle(id, result) {
      if (result.published && !delivered.has(id)) broken(`${id} counts as published before it was handled`);
      await outbox.settle(id, result);
    },
    async timerFired(id, time) {
      if (!delivered.has(id)) broken(`the timer ${id} counts as fired before it was handled`);
      await outbox.timerFired(id, time);
    },
  };
}

/** Checks every write of a traffic document against what it may not do. */
export function observedTraffic(
  traffic: Traffic,
  { history, broken }: Observer,
  standing: Standing,
): Traffic {
  let latest: TrafficDocument | undefined;
  return {
    read: (endpoint) => traffic.read(endpoint),
    list: () => traffic.list(),
    async write(endpoint, document) {
      const answer = await traffic.write(endpoint, document);
      if (answer.kind === "conflict") return answer;
      const before = latest;
      latest = answer.document;
      const { epoch, hold, moves } = answer.document.traffic;
      const kind = moves[0]?.epoch === before?.traffic.epoch ? "standing" : moves[0]?.kind;
      const weights = JSON.stringify(answer.document.weights);
      history.add("traffic", `epoch ${epoch} ${kind} ${weights}${hold === null ? "" : " held"}`);
      if (kind !== undefined) history.mark(`traffic ${kind}`);
      const problem = trafficProblem(before, answer.document, standing);
      if (problem !== undefined) broken(problem);
      return answer;
    },
  };
}

/** Refuses nothing, but notices when a backend that has traffic is stopped. */
export function observedDeploys(
  deploys: Deploys,
  { history, broken }: Observer,
  weights: () => Promise<Readonly<Record<string, number>>>,
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
