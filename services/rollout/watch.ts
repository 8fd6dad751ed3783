// Watches the workflow of a running rollout: one that never started is started, one that died takes its rollout back.
import { rollout } from "../../shared/domain/rollout.ts";
import { hasEnded, type RolloutState } from "../../shared/domain/rollout-state.ts";
import type { Execution } from "../../shared/ports/executions.ts";
import { load } from "../../shared/runtime/record.ts";
import { takeBack } from "../../shared/runtime/rollout-take-back.ts";
import { launch } from "./releases.ts";
import { ACTOR, type RolloutServicePorts } from "./ports.ts";

const isOver = ({ state }: Execution): boolean =>
  state === "SUCCEEDED" || state === "FAILED" || state === "CANCELLED";

/** The executions that could still end this rollout: its owner's, or, before a claim, all that were started for it. */
async function executionsOf(
  { executions }: RolloutServicePorts,
  name: string,
  state: RolloutState,
): Promise<readonly Execution[]> {
  const owner = state.execution === undefined ? undefined : await executions.get(state.execution);
  return owner === undefined ? executions.find(name) : [owner];
}

/** Puts a running rollout right whose execution is missing or has ended without ending the rollout. */
export async function watchExecution(ports: RolloutServicePorts, name: string): Promise<void> {
  const { state } = await load(ports.ledger, rollout, name);
  if (hasEnded(state) || state.started === undefined) return;
  const executions = await executionsOf(ports, name, state);
  if (executions.length === 0) return launch(ports, name);
  const last = executions.at(-1);
  if (last === undefined || !executions.every(isOver)) return;
  // The execution may have ended the rollout between the two reads.
  if (hasEnded((await load(ports.ledger, rollout, name)).state)) return;
  const because = last.error === undefined ? "" : ` ${last.error.context.slice(0, 300)}`;
  const reason = `The workflow ended (${last.state}) without ending the rollout.${because}`;
  ports.log.warn({ rollout: name, execution: last.id }, reason);
  await takeBack(ports, name, { trigger: "execution-failed", reason, actor: ACTOR });
}
