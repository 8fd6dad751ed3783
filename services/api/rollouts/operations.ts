// The operations on rollouts, bound to their ports: the API routes offer them, tests call them.
import * as people from "./people-calls.ts";
import { look } from "./look.ts";
import type { RolloutPorts } from "./ports.ts";
import * as workflow from "./workflow-calls.ts";

/** All operations on rollouts. */
export function createRolloutOperations(ports: RolloutPorts) {
  return {
    claim: (name: string, execution: string) => workflow.claim(ports, name, execution),
    look: (name: string, execution: string) => look(ports, name, execution),
    step: (name: string, execution: string, step: number) => workflow.step(ports, name, execution, step),
    finish: (name: string, execution: string, verdict: Parameters<typeof workflow.finish>[3]) =>
      workflow.finish(ports, name, execution, verdict),
    advance: (name: string, request: people.PersonRequest) => people.advance(ports, name, request),
    pause: (name: string, request: Parameters<typeof people.pause>[2]) => people.pause(ports, name, request),
    abort: (name: string, request: people.PersonRequest) => people.abortByPerson(ports, name, request),
    retry: (name: string, request: people.PersonRequest) => people.retry(ports, name, request),
  };
}

/** The operations on rollouts. */
export type RolloutOperations = ReturnType<typeof createRolloutOperations>;
