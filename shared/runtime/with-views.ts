// A service that keeps its own read models: they are brought up to a fact before the service reacts to it.
import type { FactService } from "./fact-service.ts";
import { type Projection, type ProjectorPorts, createProjector } from "./project.ts";

/** The service with its projections in front: reactions may look up in the views what the fact has just changed. */
export function withViews(
  ports: ProjectorPorts,
  service: FactService,
  projections: readonly Projection[],
): FactService {
  const projector = createProjector(ports, projections);
  const own = new Set(service.inputs);
  return {
    ...service,
    inputs: [...new Set([...projector.inputs, ...service.inputs])],
    async handle(fact) {
      await projector.handle(fact);
      if (own.has(fact.type)) await service.handle(fact);
    },
  };
}
