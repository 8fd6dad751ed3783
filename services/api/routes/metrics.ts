// The control plane's own metrics, for Prometheus.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { formatMetrics, type Metric, METRICS_MEDIA_TYPE } from "../../../shared/domain/metrics-text.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import type { Figures } from "../../../shared/ports/figures.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import type { ProcessFigures } from "../../../shared/runtime/process-figures.ts";
import type { RequestCounts } from "../../../shared/runtime/request-counts.ts";
import { processMetrics, requestMetrics } from "../metrics/process-metrics.ts";
import { storeMetrics } from "../metrics/store-metrics.ts";

/** What the metrics are made from. */
export interface MetricsPorts {
  readonly figures: Figures;
  readonly requestCounts: RequestCounts;
  readonly processFigures: () => ProcessFigures;
  readonly clock: Clock;
  readonly log: Log;
}

async function stored({ figures, clock, log }: MetricsPorts): Promise<readonly Metric[]> {
  const up = (value: number): Metric => ({
    name: "signalbox_store_up",
    type: "gauge",
    help: "Whether the stores could be read for this answer; if not, what they hold is left out.",
    samples: [{ labels: {}, value }],
  });
  try {
    return [up(1), ...storeMetrics(await figures.read(), clock.now())];
  } catch (error) {
    // Monitoring is most needed when something is down: the rest is told, and this as well.
    log.warn({ error }, "The stores could not be read for the metrics.");
    return [up(0)];
  }
}

/** `GET /metrics`. */
export function metricsRoutes(ports: MetricsPorts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get("/metrics", { config: { role: "viewer", produces: "text/plain" } }, async (_, reply) => {
      const metrics = [
        ...(await stored(ports)),
        ...requestMetrics(ports.requestCounts()),
        ...processMetrics(ports.processFigures()),
      ];
      return reply.type(METRICS_MEDIA_TYPE).send(formatMetrics(metrics));
    });
  };
}
