// Whether requests go where the last move sent them, by what the backends counted. A load balancer obeys a route some seconds after
// the route was changed, and nothing but requests tells that it did.
import { type CounterSample, counterIncreases } from "./counter-increase.ts";
import type { Weights } from "./traffic.ts";

/** What the counters say about a move. */
export type Arrival =
  /** Nobody asked since, or nobody counted: nothing is known. */
  | { readonly kind: "unseen" }
  /** Backends without weight were still asked at the newest reading (`strays`), or some with weight were never asked (`missing`). */
  | { readonly kind: "under-way"; readonly strays: readonly string[]; readonly missing: readonly string[] }
  /** Since the reading at `atMs`, or the move itself, requests went to backends with weight alone. */
  | { readonly kind: "arrived"; readonly atMs: number };

/**
 * What readings say of a move at `movedMs` to these weights (backend → percent). `version` of a sample is its backend. Growth between
 * two readings before and after the move belongs to neither side, so it is left out. A request counts when it ends: one that began
 * before the move and ends long after it looks like a stray until the next reading.
 */
export function arrivalOf(movedMs: number, weights: Weights, samples: readonly CounterSample[]): Arrival {
  const since = counterIncreases(samples, movedMs).filter(({ fromMs }) => fromMs >= movedMs);
  const asked = since.filter(({ requests }) => requests > 0);
  if (asked.length === 0) return { kind: "unseen" };
  const newestMs = (backend: string): number =>
    Math.max(...since.filter(({ version }) => version === backend).map(({ toMs }) => toMs));
  const outside = asked.filter(({ version }) => (weights[version] ?? 0) === 0);
  const strays = new Set(
    outside.filter(({ version, toMs }) => toMs >= newestMs(version)).map(({ version }) => version),
  );
  const served = new Set(asked.map(({ version }) => version));
  const missing = Object.keys(weights).filter((backend) => !served.has(backend));
  if (strays.size > 0 || missing.length > 0)
    return { kind: "under-way", strays: [...strays].toSorted(), missing: missing.toSorted() };
  return { kind: "arrived", atMs: Math.max(movedMs, ...outside.map(({ toMs }) => toMs)) };
}
