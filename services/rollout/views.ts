// The read models of the serving journey. One projection keeps all three collections, so that its documents may read each other.
import type { FactType } from "../../shared/domain/facts.ts";
import type { Projection } from "../../shared/runtime/project.ts";
import { endpointPuts } from "./view-of-endpoints.ts";
import { intervalPuts } from "./view-of-intervals.ts";
import { rolloutPuts } from "./view-of-rollouts.ts";

const TYPES = [
  "endpoint.configured",
  "endpoint.held",
  "endpoint.resumed",
  "endpoint.queue-changed",
  "traffic.moved",
  "traffic.history-gap",
  "rollout.queued",
  "rollout.started",
  "rollout.claimed",
  "rollout.step-changed",
  "rollout.paused",
  "rollout.judged",
  "rollout.promoted",
  "rollout.rolled-back",
  "rollout.aborted",
  "release.prepared",
  "release.failed",
] as const satisfies readonly FactType[];

/** Endpoints, rollouts and serving intervals. */
export const servingProjection: Projection = {
  name: "serving",
  types: TYPES,
  // Intervals first: they read the endpoint as it was before the move.
  apply: async (fact, read) => [
    ...(await intervalPuts(fact, read)),
    ...(await endpointPuts(fact, read)),
    ...(await rolloutPuts(fact, read)),
  ],
};

/** Every read model that the rollout service keeps. */
export const ROLLOUT_VIEWS: readonly Projection[] = [servingProjection];
