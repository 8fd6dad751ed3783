// What is done when a timer of a rollout or an endpoint is due. A timer is only a nudge: what it finds decides.
import { endpoint as endpointDecider } from "../../shared/domain/endpoint.ts";
import { parseName } from "../../shared/domain/names.ts";
import { rollout } from "../../shared/domain/rollout.ts";
import { endpointOf } from "../../shared/domain/rollout-name.ts";
import { policyOf } from "../../shared/domain/rollout-plan.ts";
import { hasEnded } from "../../shared/domain/rollout-state.ts";
import { load } from "../../shared/runtime/record.ts";
import { takeBack } from "../../shared/runtime/rollout-take-back.ts";
import { readTraffic } from "../../shared/runtime/traffic.ts";
import { ACTOR, type RolloutServicePorts } from "./ports.ts";
import { expireStandby, retireDrained, versionsOf } from "./retire.ts";

/** The time limit is over and the workflow has not ended the rollout: it is dead or stuck, so the timer ends it. */
async function deadline(ports: RolloutServicePorts, name: string): Promise<void> {
  const { state } = await load(ports.ledger, rollout, name);
  if (hasEnded(state) || state.started === undefined) return;
  // This policy leaves the weights where they are until a person has decided.
  if (policyOf(state.started).onInconclusive === "hold" && state.paused) return;
  const reason = `The time limit (${state.started.deadline}) is over and the workflow has not ended the rollout.`;
  await takeBack(ports, name, { trigger: "timer", reason, actor: ACTOR });
}

/** Acts on a timer that is due, of a rollout's stream or an endpoint's. Others are not ours. */
export async function actOnTimer(ports: RolloutServicePorts, subject: string, timer: string): Promise<void> {
  const ofRollout = parseName("rollout", subject) !== undefined;
  if (!ofRollout && parseName("endpoint", subject) === undefined) return;
  if (ofRollout && timer === "deadline") return deadline(ports, subject);

  const endpoint = ofRollout ? endpointOf(subject) : subject;
  const { state } = await load(ports.ledger, endpointDecider, endpoint);
  const document = await readTraffic(ports.traffic, endpoint);
  if (timer === "standby") return expireStandby(ports, endpoint, state, document);
  if (timer !== "drain") return;
  const candidate = ofRollout
    ? (await load(ports.ledger, rollout, subject)).state.queued?.modelVersion
    : undefined;
  const versions = candidate === undefined ? versionsOf(document) : [candidate];
  await retireDrained(ports, endpoint, state, versions);
}
