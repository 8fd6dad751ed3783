// The rollout service: whose turn it is, what is prepared, which workflow runs, what traffic did, and what is cleaned up.
import { endpoint as endpointDecider } from "../../shared/domain/endpoint.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { load } from "../../shared/runtime/record.ts";
import { observeMove } from "../../shared/runtime/record-traffic.ts";
import { inputsOf, withViews } from "../../shared/runtime/with-views.ts";
import type { RolloutServicePorts } from "./ports.ts";
import { createReconciler } from "./reconcile.ts";
import { launch } from "./releases.ts";
import { actOnTimer } from "./timers.ts";
import { endDropped, joinQueue, leaveQueue, queueVersion, rejectFirst, takeTurn } from "./turns.ts";
import { ROLLOUT_VIEWS } from "./views.ts";

const REACTS_TO = [
  "model-version.verified",
  "endpoint.configured",
  "endpoint.resumed",
  "endpoint.queue-changed",
  "traffic.moved",
  "rollout.queued",
  "rollout.started",
  "rollout.promoted",
  "rollout.rolled-back",
  "rollout.aborted",
  "timer.due",
] as const satisfies readonly FactType[];

/** What this service asks to be told. */
export const ROLLOUT_INPUTS = inputsOf(REACTS_TO, ROLLOUT_VIEWS);

async function react(ports: RolloutServicePorts, fact: AnyFact): Promise<void> {
  switch (fact.type) {
    case "model-version.verified":
      return queueVersion(ports, fact);
    case "rollout.queued":
      return joinQueue(ports, fact.subject, fact.id);
    case "endpoint.queue-changed":
      await endDropped(ports, fact.data);
      return takeTurn(ports, fact.subject);
    case "endpoint.configured":
    case "endpoint.resumed":
      return takeTurn(ports, fact.subject);
    case "rollout.started":
      return launch(ports, fact.subject);
    case "rollout.rolled-back":
      await rejectFirst(ports, fact);
      return leaveQueue(ports, fact.subject, fact.id);
    case "rollout.promoted":
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
  // The reconciler finds its endpoints in the views.
  return withViews(ports, ROLLOUT_VIEWS, {
    name: "rollout",
    inputs: REACTS_TO,
    handle: (fact) => react(ports, fact),
    reconcile: createReconciler(ports),
  });
}
