// The evidence of a rollout: what served when, from the recorded moves, and what the counters said meanwhile.
import { backendsOf, policyOf } from "../../../shared/domain/rollout-plan.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import {
  gatherEvidence,
  type GatheredEvidence,
  type ObservedMove,
  segmentsOf,
} from "../../../shared/domain/evidence.ts";
import type { FactData } from "../../../shared/domain/facts.ts";
import type { CounterSample } from "../../../shared/ports/metrics.ts";
import { withDeadline } from "../../../shared/runtime/deadline.ts";
import type { RolloutPorts } from "./ports.ts";

/** Metrics that take longer count as unreachable; a look must be quicker than the time between two looks. */
export const METRICS_TIMEOUT_MS = 2_000;

type Started = FactData<"rollout.started">;

/** Recorded moves since the start, oldest first, beginning with the weights that the rollout found. */
async function movesSince(
  { ledger }: RolloutPorts,
  endpoint: string,
  startMs: number,
): Promise<ObservedMove[]> {
  const { facts } = await ledger.read(endpoint);
  const moves = facts
    .flatMap((fact) => (fact.type === "traffic.moved" ? [fact.data] : []))
    .toSorted((one, other) => one.epoch - other.epoch)
    .map(({ movedAt, to }) => ({ timeMs: Date.parse(movedAt), to }));
  const before = moves.findLast(({ timeMs }) => timeMs < startMs);
  const since = moves.filter(({ timeMs }) => timeMs >= startMs);
  return before === undefined ? since : [{ ...before, timeMs: startMs }, ...since];
}

/** Samples since the start, or undefined while the metrics cannot be reached. */
async function samplesSince(
  { metrics, clock, log }: RolloutPorts,
  endpoint: string,
  from: string,
): Promise<readonly CounterSample[] | undefined> {
  const to = clock.now().toISOString();
  try {
    return await withDeadline(clock, METRICS_TIMEOUT_MS, "Reading the metrics", () =>
      metrics.samples(endpoint, from, to),
    );
  } catch (error) {
    if (!isTransient(error)) throw error;
    log.warn({ error, endpoint }, "The metrics cannot be read: the judge looks without them.");
    return undefined;
  }
}

/** Evidence as it stands now. `reachable` is false when there are no counters because nobody could be asked for them. */
export async function evidenceOf(
  ports: RolloutPorts,
  started: Started,
  startedAt: string,
): Promise<GatheredEvidence & { readonly reachable: boolean }> {
  const { endpoint, modelVersion, previous } = started;
  const policy = policyOf(started);
  const arms = { candidate: modelVersion, control: previous };
  const [moves, samples] = await Promise.all([
    movesSince(ports, endpoint, Date.parse(startedAt)),
    samplesSince(ports, endpoint, startedAt),
  ]);
  const versions = new Map(
    Object.entries(backendsOf(started)).map(([version, backend]) => [backend, version]),
  );
  const counters = (samples ?? []).flatMap((sample) => {
    const version = versions.get(sample.backend);
    const { time, instance, requests, errors } = sample;
    return version === undefined ? [] : [{ timeMs: Date.parse(time), version, instance, requests, errors }];
  });
  const segments = segmentsOf(arms, moves, policy.steps, ports.clock.now().getTime());
  const gathered = gatherEvidence(arms, segments, counters, policy.judge.windowMs);
  return { ...gathered, reachable: samples !== undefined };
}
