// Requests to an endpoint as its route sends them, and the counters that its pods would show to Prometheus.
import { COUNTER_NAMES } from "../../../shared/adapters/google/metrics.ts";
import type { HttpRoute } from "../../../shared/adapters/kubernetes/route.ts";
import type { PrometheusFake } from "./prometheus-fake.ts";

/** Requests between two scrapes. */
const REQUESTS = 400;

/** Turns the route's weights into counters. */
export function createServingLoad(
  prometheus: PrometheusFake,
  place: { readonly team: string; readonly endpoint: string },
  route: () => Promise<HttpRoute | undefined>,
) {
  const counted = new Map<string, number>();
  return async (): Promise<void> => {
    const found = await route();
    if (found === undefined) return;
    const timeMs = Date.now();
    for (const { name, weight = 1 } of found.spec?.rules?.[0]?.backendRefs ?? [])
      counted.set(name, (counted.get(name) ?? 0) + (REQUESTS * weight) / 100);
    for (const [backend, requests] of counted) {
      const target = {
        namespace: `team-${place.team}`,
        job: "signalbox-backends",
        instance: `${backend}:metrics`,
      };
      prometheus.scrape(timeMs, { ...target, ...place, backend }, [
        { name: COUNTER_NAMES.requests, labels: {}, value: requests },
        { name: COUNTER_NAMES.errors, labels: {}, value: 0 },
      ]);
    }
  };
}
