// Whose turn it is: versions join the queue of their endpoint, and the rollout whose turn has come starts.
import { endpoint as endpointDecider, type EndpointState } from "../../shared/domain/endpoint.ts";
import type { FactOf } from "../../shared/domain/fact.ts";
import type { FactData } from "../../shared/domain/facts.ts";
import { model } from "../../shared/domain/model.ts";
import { parentName } from "../../shared/domain/names.ts";
import { rollout } from "../../shared/domain/rollout.ts";
import { later } from "../../shared/domain/rollout-ends.ts";
import { endpointOf, rolloutName } from "../../shared/domain/rollout-name.ts";
import { resolvePolicy, type RolloutPolicy } from "../../shared/domain/rollout-policy.ts";
import { hasEnded } from "../../shared/domain/rollout-state.ts";
import { soleVersion, versionWeights } from "../../shared/domain/traffic.ts";
import { load, record } from "../../shared/runtime/record.ts";
import { recordTraffic } from "../../shared/runtime/record-traffic.ts";
import { abort } from "../../shared/runtime/rollout-take-back.ts";
import { readTraffic } from "../../shared/runtime/traffic.ts";
import { ACTOR, type RolloutServicePorts } from "./ports.ts";

/** The endpoint's policy in full, or what is wrong with it. It was checked when it was merged; another release may check more. */
function policyFrom(settings: FactData<"endpoint.configured">): RolloutPolicy | string {
  const resolved = resolvePolicy(settings.rollout);
  if (resolved.kind === "policy") return resolved.policy;
  return resolved.problems.map(({ path, message }) => `rollout.${path}: ${message}`).join(" ");
}

/**
 * A verified version that names an endpoint becomes a rollout, if the endpoint wants new versions. One that is not configured
 * yet may still come to be: the rollout waits for it, where people see it.
 */
export async function queueVersion(
  ports: RolloutServicePorts,
  fact: FactOf<"model-version.verified">,
): Promise<void> {
  const { modelVersion, artifact, endpoint } = fact.data;
  if (endpoint === undefined) return;
  const { state } = await load(ports.ledger, endpointDecider, endpoint);
  const policy = state.settings === undefined ? undefined : policyFrom(state.settings);
  // An unreadable policy queues all the same: the start says what is wrong where people look for it.
  const onRegistered = typeof policy === "string" ? "queue" : policy?.onRegistered;
  await record(ports, rollout, {
    stream: rolloutName(endpoint, modelVersion, 1),
    cause: fact.id,
    input: { kind: "queue", queued: { endpoint, modelVersion, artifact, attempt: 1 }, onRegistered },
    actor: fact.actor,
    inputHash: fact.data,
  });
}

/** Puts a queued rollout into the endpoint's queue, unless it ended meanwhile. */
export async function joinQueue(ports: RolloutServicePorts, name: string, cause: string): Promise<void> {
  const { state } = await load(ports.ledger, rollout, name);
  if (hasEnded(state)) return;
  const replaces = state.queued?.replaces === true ? { replaces: true } : {};
  const input = { kind: "rollout-queued", rollout: name, ...replaces } as const;
  await record(ports, endpointDecider, { stream: endpointOf(name), cause, input, actor: ACTOR });
}

const REPLACED = "A newer version of the endpoint has taken its place.";

/** Ends rollouts that were replaced before their turn came. */
export async function endDropped(
  ports: RolloutServicePorts,
  { dropped = [] }: FactData<"endpoint.queue-changed">,
): Promise<void> {
  for (const name of dropped) await abortUnstarted(ports, name, REPLACED);
}

/** Takes the running candidate's traffic away, without a hold and without blame, so that the newer version's turn comes. */
async function makeRoom(ports: RolloutServicePorts, running: string, replacing: string): Promise<void> {
  const { document } = await recordTraffic(ports, endpointOf(running));
  if (document.traffic.hold !== null) return;
  const { queued } = (await load(ports.ledger, rollout, replacing)).state;
  const reason = `${queued?.modelVersion ?? replacing} takes its place.`;
  await abort(ports, running, { kind: "replace", reason, mover: { actor: ACTOR } });
  await leaveQueue(ports, running, `${running}/ended`);
}

/** Takes a rollout that ended out of the endpoint's queue, so that the next one can start. */
export async function leaveQueue(ports: RolloutServicePorts, name: string, cause: string): Promise<void> {
  const input = { kind: "rollout-ended", rollout: name } as const;
  await record(ports, endpointDecider, { stream: endpointOf(name), cause, input, actor: ACTOR });
}

/** The first version of an endpoint that did not pass has nowhere to go back to: it keeps its traffic and is marked rejected. */
export async function rejectFirst(
  ports: RolloutServicePorts,
  fact: FactOf<"rollout.rolled-back">,
): Promise<void> {
  const { state } = await load(ports.ledger, rollout, fact.subject);
  if (state.started?.previous !== null || state.step !== 0) return;
  const { modelVersion, reason: message } = fact.data;
  await record(ports, model, {
    stream: parentName(modelVersion),
    cause: fact.id,
    input: { kind: "unfit", modelVersion, reason: "UNFIT_TO_SERVE", message },
    actor: ACTOR,
  });
}

async function abortUnstarted(ports: RolloutServicePorts, name: string, reason: string): Promise<void> {
  if (hasEnded((await load(ports.ledger, rollout, name)).state)) return;
  await record(ports, rollout, {
    stream: name,
    cause: `${name}/cannot-start`,
    input: { kind: "abort", reason, at: ports.clock.now().toISOString() },
    actor: ACTOR,
    inputHash: "cannot-start",
  });
}

async function start(
  ports: RolloutServicePorts,
  name: string,
  settings: FactData<"endpoint.configured">,
): Promise<void> {
  const { queued } = (await load(ports.ledger, rollout, name)).state;
  if (queued === undefined) return;
  const { endpoint, modelVersion, artifact } = queued;
  const document = await readTraffic(ports.traffic, endpoint);
  if (document.traffic.hold !== null) return;

  const policy = policyFrom(settings);
  if (typeof policy === "string") {
    return abortUnstarted(ports, name, `The rollout policy of ${endpoint} cannot be used. ${policy}`);
  }
  if (queued.unconfigured === true && policy.onRegistered === "ignore") {
    const reason = `${endpoint} was configured after this version was registered, and its policy ignores new versions: retry to roll it out.`;
    return abortUnstarted(ports, name, reason);
  }
  const weights = versionWeights(document);
  const serving = soleVersion(weights) ?? null;
  const served = Object.keys(weights).length > 0;
  if (served && serving === null) {
    const reason = `Traffic of ${endpoint} is split and no rollout of ours runs: roll it back, then retry.`;
    return abortUnstarted(ports, name, reason);
  }
  if (serving === modelVersion && document.traffic.good.some(({ version }) => version === modelVersion)) {
    return abortUnstarted(ports, name, `${modelVersion} serves all traffic of ${endpoint} already.`);
  }
  const { serving: how, repository, commit, standbyMs } = settings;
  const deadline = later(ports.clock.now().toISOString(), policy.timeLimitMs);
  await record(ports, rollout, {
    stream: name,
    cause: `${name}/start`,
    input: {
      kind: "start",
      started: {
        endpoint,
        modelVersion,
        artifact,
        previous: serving === modelVersion ? null : serving,
        serving: how,
        repository,
        commit,
        policy,
        standbyMs,
        deadline,
      },
    },
    actor: ACTOR,
    inputHash: "start",
  });
}

/**
 * Starts the rollout whose turn it is, if it has not started; one that has ended gives its turn away. Acts on the endpoint as
 * recorded now, so that a late message about an old queue does no harm.
 */
export async function takeTurn(
  ports: RolloutServicePorts,
  endpoint: string,
  known?: EndpointState,
): Promise<void> {
  const state = known ?? (await load(ports.ledger, endpointDecider, endpoint)).state;
  const { running, replacing } = state.queue;
  if (running === null) return;
  const { state: rolloutState } = await load(ports.ledger, rollout, running);
  if (hasEnded(rolloutState)) return leaveQueue(ports, running, `${running}/ended`);
  if (replacing !== undefined) return makeRoom(ports, running, replacing);
  if (state.settings === undefined) return;
  if (rolloutState.phase === "queued") await start(ports, running, state.settings);
}
