// The resources that are only read here: their views are served as they are.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { type ReadKind, type ReadPorts, resourceReads } from "../resource-reads.ts";

const KINDS: readonly ReadKind[] = [
  { kind: "stack", collection: "stacks", plural: "stacks" },
  { kind: "plan", collection: "plans", plural: "plans" },
  { kind: "apply", collection: "applies", plural: "applies" },
  { kind: "model", collection: "models", plural: "models" },
  { kind: "modelVersion", collection: "modelVersions", plural: "versions" },
  { kind: "endpoint", collection: "endpoints", plural: "endpoints" },
  { kind: "rollout", collection: "rollouts", plural: "rollouts" },
  { kind: "run", collection: "runs", plural: "runs" },
  { kind: "dataset", collection: "datasets", plural: "datasets" },
  { kind: "datasetVersion", collection: "datasetVersions", plural: "versions" },
];

/** GET and lists of stacks, plans, applies, models, endpoints, rollouts, runs, datasets and their versions. */
export function resourceRoutes(ports: ReadPorts): FastifyPluginAsyncTypebox {
  return resourceReads(ports, KINDS);
}
