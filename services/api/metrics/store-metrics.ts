// What the stores hold, as metrics. Counters come from the ledger, so they go on over restarts.
import type { FactType } from "../../../shared/domain/facts.ts";
import type { Metric, MetricSample } from "../../../shared/domain/metrics-text.ts";
import type { StoreFigures } from "../../../shared/ports/figures.ts";

/** Fact → which build ended how. */
const BUILDS: Partial<Record<FactType, { readonly kind: string; readonly result: string }>> = {
  "plan.finished": { kind: "plan", result: "finished" },
  "plan.failed": { kind: "plan", result: "failed" },
  "apply.finished": { kind: "apply", result: "finished" },
  "apply.failed": { kind: "apply", result: "failed" },
  "stack.apply-interrupted": { kind: "apply", result: "interrupted" },
};

/** Fact → how a rollout ended. */
const ENDS: Partial<Record<FactType, string>> = {
  "rollout.promoted": "promoted",
  "rollout.rolled-back": "rolled-back",
  "rollout.aborted": "aborted",
};

const only = (value: number): readonly MetricSample[] => [{ labels: {}, value }];

/** Seconds from `since` (RFC 3339) to now; 0 when there is nothing, or when it lies ahead. */
function ageSeconds(since: string | undefined, now: Date): number {
  return since === undefined ? 0 : Math.max(0, (now.getTime() - Date.parse(since)) / 1_000);
}

function factMetrics(facts: StoreFigures["facts"]): readonly Metric[] {
  const byType = Map.groupBy(facts, ({ type }) => type);
  const sum = (type: FactType): number => (byType.get(type) ?? []).reduce((all, { count }) => all + count, 0);
  const detailed = (type: FactType, label: string): readonly MetricSample[] =>
    (byType.get(type) ?? []).map(({ detail, count }) => ({ labels: { [label]: detail }, value: count }));
  const counter = (name: string, help: string, samples: readonly MetricSample[]): Metric => ({
    name: `signalbox_${name}_total`,
    type: "counter",
    help,
    samples,
  });
  return [
    counter(
      "facts",
      "Facts appended to the ledger, by type.",
      [...byType.keys()].sort().map((type) => ({ labels: { type }, value: sum(type) })),
    ),
    counter(
      "builds",
      "Plans and applies that ended, by result and, of failures, by reason.",
      facts.flatMap(({ type, detail, count }) => {
        const build = BUILDS[type];
        return build === undefined ? [] : [{ labels: { ...build, reason: detail }, value: count }];
      }),
    ),
    counter(
      "rollouts_started",
      "Rollouts that began to move traffic or to prepare it.",
      only(sum("rollout.started")),
    ),
    counter(
      "rollouts_ended",
      "Rollouts that ended, by their end.",
      Object.entries(ENDS).map(([type, end]) => ({ labels: { end }, value: sum(type as FactType) })),
    ),
    counter(
      "rollbacks",
      "Rollouts that were rolled back, by what took them back.",
      detailed("rollout.rolled-back", "trigger"),
    ),
    counter("verdicts", "Changed verdicts of the judge, by verdict.", detailed("rollout.judged", "verdict")),
    counter("traffic_moves", "Moves of traffic, by kind.", detailed("traffic.moved", "kind")),
  ];
}

/** Metrics of what the stores hold at this time. */
export function storeMetrics(figures: StoreFigures, now: Date): readonly Metric[] {
  const { facts, deliveries, outbox, timers, deadLetters } = figures;
  const settled = deliveries.filter(({ outcome }) => outcome !== "pending");
  const pending = deliveries.find(({ outcome }) => outcome === "pending")?.count ?? 0;
  const gauge = (name: string, help: string, samples: readonly MetricSample[]): Metric => ({
    name: `signalbox_${name}`,
    type: "gauge",
    help,
    samples,
  });
  return [
    {
      name: "signalbox_deliveries_total",
      type: "counter",
      help: "Deliveries of the code host that were settled, by outcome.",
      samples: settled.map(({ outcome, count }) => ({ labels: { outcome }, value: count })),
    },
    gauge("deliveries_pending", "Deliveries that were received and are not settled.", only(pending)),
    ...factMetrics(facts),
    gauge("outbox_pending", "Facts that wait to be published.", only(outbox.pending)),
    gauge(
      "outbox_oldest_age_seconds",
      "Age of the oldest fact that waits to be published.",
      only(ageSeconds(outbox.oldest, now)),
    ),
    gauge("timers_waiting", "Timers that have not fired.", only(timers.waiting)),
    gauge(
      "timers_overdue_seconds",
      "How long the earliest timer is overdue.",
      only(ageSeconds(timers.earliest, now)),
    ),
    gauge(
      "dead_letters",
      "Messages that no retry could help, by the service that gave up.",
      deadLetters.map(({ service, count }) => ({ labels: { service }, value: count })),
    ),
  ];
}
