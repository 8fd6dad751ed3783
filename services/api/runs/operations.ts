// All operations on runs, for the routes.
import type { Caller } from "../../../shared/domain/role.ts";
import type { ResourceDocument } from "../../../shared/domain/model-document.ts";
import { ControlPlaneError, failedPrecondition, notFound } from "../../../shared/domain/errors.ts";
import { run } from "../../../shared/domain/run.ts";
import { load, record } from "../../../shared/runtime/record.ts";
import { createRun, runResource } from "./create.ts";
import { finish } from "./finish.ts";
import { jobOf } from "./moves.ts";
import type { RunPorts } from "./ports.ts";
import { claim, poll, submit } from "./workflow-calls.ts";

/** Cancels a run. Its job is stopped by the data service. Cancelling again changes nothing. */
async function cancel(
  ports: RunPorts,
  name: string,
  reason: string,
  caller: Caller,
): Promise<ResourceDocument> {
  const input = { kind: "cancel", run: name, reason } as const;
  // The first cancellation counts; who else cancels later gets its answer.
  await record(ports, run, {
    stream: name,
    cause: "api/cancel",
    input,
    inputHash: "cancel",
    actor: caller.principal,
  });
  return runResource(ports, name);
}

/** The log of a run's job, as far as the head has it. */
async function logs(ports: RunPorts, name: string): Promise<string> {
  const { state } = await load(ports.ledger, run, name);
  if (state.phase === "absent") throw notFound(name, "Request it with POST /v1/teams/{team}/runs.");
  if (!("job" in state) || state.job === undefined) {
    throw failedPrecondition(
      "RUN_NOT_SUBMITTED",
      `${name} is ${state.phase} and has no job, so it has no log.`,
      { run: name },
    );
  }
  try {
    return await ports.cluster.logs(jobOf(state));
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || error.code !== "NOT_FOUND") throw error;
    throw notFound(
      `The log of ${name}`,
      "The Ray head was restarted since and keeps no logs of earlier jobs.",
    );
  }
}

/** The operations on runs over these ports. */
export function createRunOperations(ports: RunPorts) {
  return {
    create: (request: Parameters<typeof createRun>[1], caller: Caller) => createRun(ports, request, caller),
    cancel: (name: string, reason: string, caller: Caller) => cancel(ports, name, reason, caller),
    logs: (name: string) => logs(ports, name),
    claim: (call: Parameters<typeof claim>[1]) => claim(ports, call),
    submit: (call: Parameters<typeof submit>[1]) => submit(ports, call),
    poll: (call: Parameters<typeof poll>[1]) => poll(ports, call),
    finish: (call: Parameters<typeof finish>[1]) => finish(ports, call),
  };
}
