// The rollout service: whose turn it is, what is prepared, which workflow runs, what traffic did, and what is cleaned up.
import { endpoint as endpointDecider } from "../../shared/domain/endpoint.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { createProjector } from "../../shared/runtime/project.ts";
import { load } from "../../shared/runtime/record.ts";
import { observeMove } from "../../shared/runtime/record-traffic.ts";
import type { RolloutServicePorts } from "./ports.ts";
import { createReconciler } from "./reconcile.ts";
import { launch } from "./releases.ts";
import { actOnTimer } from "./timers.ts";
import { joinQueue, leaveQueue, queueVersion, takeTurn } from "./turns.ts";
import { ROLLOUT_PROJECTIONS } from "./views.ts";

/** What this service asks to be told. */
export const ROLLOUT_INPUTS = [
  "model-version.verified",
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
  "timer.due",
] as const satisfies readonly FactType[];

async function react(ports: RolloutServicePorts, fact: AnyFact): Promise<void> {
  switch (fact.type) {
    case "model-version.verified":
      return queueVersion(ports, fact);
    case "rollout.queued":
      return joinQueue(ports, fact.subject, fact.id);
    case "endpoint.queue-changed":
    case "endpoint.resumed":
      return takeTurn(ports, fact.subject);
    case "rollout.started":
      return launch(ports, fact.subject);
    case "rollout.promoted":
    case "rollout.rolled-back":
    case "rollout.aborted":
      return leaveQueue(ports, fact.subject, fact.id);
    case "traffic.moved": {
      const { state } = await load(ports.ledger, endpointDecider, fact.subject);
      return observeMove(ports, fact, state.queue.running);
    }
    case "timer.due":
      return actOnTimer(ports, fact.subject, fact.data.name);
    default:
      return undefined;
  }
}

/** The rollout service. It also keeps the views of endpoints, rollouts and serving intervals. */
export function createRollout(ports: RolloutServicePorts): FactService {
  const projector = createProjector(ports, ROLLOUT_PROJECTIONS);
  return {
    name: "rollout",
    inputs: ROLLOUT_INPUTS,
    async handle(fact) {
      // Views first: the reconciler finds its endpoints in them.
      await projector.handle(fact);
      await react(ports, fact);
    },
    reconcile: createReconciler(ports),
  };
}
