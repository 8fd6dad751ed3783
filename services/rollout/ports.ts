// What the rollout service is handed.
import type { Deploys } from "../../shared/ports/deploys.ts";
import type { Executions } from "../../shared/ports/executions.ts";
import type { Metrics } from "../../shared/ports/metrics.ts";
import type { Views } from "../../shared/ports/views.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { RolloutMovePorts } from "../../shared/runtime/rollout-standing.ts";

/** The ports of the rollout service. */
export interface RolloutServicePorts extends RolloutMovePorts {
  readonly deploys: Deploys;
  readonly executions: Executions;
  readonly views: Views;
  readonly log: Log;
  /** The counters of backends, where users follow a move later than its document. Missing where the gateway obeys it at once. */
  readonly counters?: Metrics;
  /** Base URL of the API as a workflow reaches it; asked when an execution starts, since ports are known late. */
  readonly api: () => string;
}

/** The actor of everything that this service records. */
export const ACTOR = "services/rollout";

/** The workflow that sequences a rollout. */
export const WORKFLOW = "canary";

/** A backend that does not answer within this is of unknown state. */
export const STATUS_TIMEOUT_MS = 500;
