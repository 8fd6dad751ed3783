// The API as workflows reach it: the real operations behind the real paths, without a socket in between.
import { errorAnswer } from "../../shared/runtime/errors.ts";
import { createRolloutOperations, type RolloutOperations } from "../../services/api/rollouts/operations.ts";
import type { RolloutPorts } from "../../services/api/rollouts/ports.ts";
import { createRunOperations } from "../../services/api/runs/operations.ts";
import type { RunPorts } from "../../services/api/runs/ports.ts";

interface Body {
  readonly execution: string;
  readonly step: number;
  readonly verdict: Parameters<RolloutOperations["finish"]>[2];
  readonly lastContact?: string | null;
}

type Calls = Readonly<Record<string, () => Promise<unknown>>>;

/** The operations, and what answers a request of a workflow with them. */
export function createWorkflowApi(ports: RolloutPorts & RunPorts) {
  const rollouts = createRolloutOperations(ports);
  const runs = createRunOperations(ports);
  const rolloutCalls = (name: string, { execution, step, verdict }: Body): Calls => ({
    claim: () => rollouts.claim(name, execution),
    look: () => rollouts.look(name, execution),
    step: () => rollouts.step(name, execution, step),
    finish: () => rollouts.finish(name, execution, verdict),
  });
  const runCalls = (name: string, { execution, lastContact }: Body): Calls => {
    const call = { name, execution, lastContact: lastContact ?? undefined };
    return {
      claim: () => runs.claim(call),
      submit: () => runs.submit(call),
      poll: () => runs.poll(call),
      finish: () => runs.finish(call),
    };
  };
  return {
    rollouts,
    runs,
    /** Answers a POST to `url`. */
    async answer(url: string, body: string): Promise<Response> {
      const [, name = "", verb = ""] = /\/v1\/(.+):([a-z]+)$/.exec(url) ?? [];
      const given = JSON.parse(body) as Body;
      const calls = /\/runs\/[^/]+$/.test(name) ? runCalls(name, given) : rolloutCalls(name, given);
      const headers = { "content-type": "application/json" };
      try {
        return new Response(JSON.stringify(await calls[verb]?.()), { status: 200, headers });
      } catch (error) {
        const { status, body: told } = errorAnswer(error, "simulated", "caller");
        return new Response(JSON.stringify(told), { status, headers });
      }
    },
  };
}
