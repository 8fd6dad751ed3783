// A service that keeps its own read models: they are brought up to a fact before the service reacts to it.
import type { FactType } from "../domain/facts.ts";
import type { FactService } from "./fact-service.ts";
import { type Projection, type ProjectorPorts, createProjector } from "./project.ts";

/** What a service asks to be told: what it reacts to, and what its read models are made of. */
export function inputsOf(
  reactsTo: readonly FactType[],
  projections: readonly Projection[],
): readonly FactType[] {
  return [...new Set([...projections.flatMap(({ types }) => types), ...reactsTo])];
}

/** The service with its projections in front: reactions may look up in the views what the fact has just changed. */
export function withViews(
  ports: ProjectorPorts,
  projections: readonly Projection[],
  service: FactService,
): FactService {
  const projector = createProjector(ports, projections);
  const own = new Set(service.inputs);
  return {
    ...service,
    inputs: inputsOf(service.inputs, projections),
    async handle(fact) {
      await projector.handle(fact);
      if (own.has(fact.type)) await service.handle(fact);
    },
  };
}
