// Puts what serves beside what served: backends for rollouts that start, and again for those that a restart has lost.
import { backendName } from "../../shared/domain/backend.ts";
import { ControlPlaneError, isTransient } from "../../shared/domain/errors.ts";
import type { FactData } from "../../shared/domain/facts.ts";
import { rollout } from "../../shared/domain/rollout.ts";
import { rolloutName } from "../../shared/domain/rollout-name.ts";
import { hasEnded } from "../../shared/domain/rollout-state.ts";
import { type TrafficDocument, versionWeights } from "../../shared/domain/traffic.ts";
import type { ReleaseRequest } from "../../shared/ports/deploys.ts";
import { load } from "../../shared/runtime/record.ts";
import { takeBack } from "../../shared/runtime/rollout-take-back.ts";
import { ACTOR, type RolloutServicePorts, STATUS_TIMEOUT_MS, WORKFLOW } from "./ports.ts";

/** Attempts of one version that are looked through for how it was served. */
export const ATTEMPTS_LOOKED_AT_MAX = 50;

type Started = FactData<"rollout.started">;

/** What deploys need to know of a rollout that started. */
export function releaseRequest(started: Started): ReleaseRequest {
  const { endpoint, modelVersion, artifact, serving, repository, commit } = started;
  return {
    endpoint,
    modelVersion,
    artifact,
    serving,
    repository,
    commit,
    backend: backendName(endpoint, modelVersion),
  };
}

/** Takes back a rollout whose release has failed. */
async function takeBackFailed(
  ports: RolloutServicePorts,
  name: string,
  modelVersion: string,
  { reason, message }: { readonly reason: string; readonly message: string },
): Promise<void> {
  const nextStep = "Mend what the message names, then retry this rollout or register a new version.";
  const failed = { modelVersion, reason, message, nextStep };
  await takeBack(ports, name, { trigger: "release-failed", reason: message, failed, actor: ACTOR });
}

/** Prepares the backend; a request that can never work is a failed release. */
async function prepareBackend(ports: RolloutServicePorts, name: string, started: Started): Promise<void> {
  try {
    await ports.deploys.prepare(releaseRequest(started));
  } catch (error) {
    if (isTransient(error) || !(error instanceof ControlPlaneError)) throw error;
    await takeBackFailed(ports, name, started.modelVersion, error);
  }
}

/** A backend that an earlier attempt left behind as failed stays so until it is retired: then it can be prepared afresh. */
async function clearFailure(
  { deploys }: RolloutServicePorts,
  { endpoint, modelVersion }: Started,
): Promise<void> {
  const backend = backendName(endpoint, modelVersion);
  const { state } = await deploys.status(backend, STATUS_TIMEOUT_MS);
  if (state === "failed") await deploys.retire(backend);
}

/** Prepares the release of a started rollout and starts the workflow that sequences it. Safe to repeat. */
export async function launch(ports: RolloutServicePorts, name: string): Promise<void> {
  const { state } = await load(ports.ledger, rollout, name);
  if (hasEnded(state) || state.started === undefined) return;
  const launched = (await ports.executions.find(name)).length > 0;
  if (!launched) await clearFailure(ports, state.started);
  await prepareBackend(ports, name, state.started);
  if (launched) return;
  const argument = { api: ports.api(), rollout: name };
  await ports.executions.start({ workflow: WORKFLOW, argument, cause: name });
}

/**
 * Prepares the backend of the rollout that runs again, if a restart has lost it before it had traffic, and takes the rollout back if
 * its backend has failed: on a cluster only this service sees a release that failed before there was anything to look at.
 */
export async function reviveCandidate(ports: RolloutServicePorts, name: string): Promise<void> {
  const { state } = await load(ports.ledger, rollout, name);
  if (hasEnded(state) || state.started === undefined) return;
  const { endpoint, modelVersion } = state.started;
  const status = await ports.deploys.status(backendName(endpoint, modelVersion), STATUS_TIMEOUT_MS);
  if (status.state === "unknown" || status.state === "cold") await prepareBackend(ports, name, state.started);
  if (status.state === "failed")
    await takeBackFailed(ports, name, modelVersion, { reason: "BACKEND_FAILED", message: status.message });
}

/** How a version was last put on an endpoint: what it was started with, and how long it took until it was ready. */
interface LastStart {
  readonly started: Started;
  readonly preparedMs?: number;
}

/** The last start of a version on an endpoint, or undefined when no rollout of it has started. */
export async function lastStart(
  ports: Pick<RolloutServicePorts, "ledger">,
  endpoint: string,
  modelVersion: string,
): Promise<LastStart | undefined> {
  let last: LastStart | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS_LOOKED_AT_MAX; attempt += 1) {
    const { state } = await load(ports.ledger, rollout, rolloutName(endpoint, modelVersion, attempt));
    if (state.phase === "absent") return last;
    const { started, preparedMs } = state;
    if (started !== undefined) last = { started, ...(preparedMs === undefined ? {} : { preparedMs }) };
  }
  return last;
}

/** Prepares a version as it was last put on the endpoint; false when no rollout of it has started. */
export async function prepareVersion(
  ports: Pick<RolloutServicePorts, "ledger" | "deploys">,
  endpoint: string,
  version: string,
): Promise<boolean> {
  const last = await lastStart(ports, endpoint, version);
  if (last === undefined) return false;
  await ports.deploys.prepare(releaseRequest(last.started));
  return true;
}

/**
 * Prepares every backend again that has traffic, or is a warm way back, and that nobody runs: after a restart of the host, and
 * for a rollback that was forced to a version that was scaled down.
 */
export async function revive(
  ports: RolloutServicePorts,
  endpoint: string,
  document: TrafficDocument,
): Promise<void> {
  const warm = document.traffic.good.filter(({ state }) => state === "warm").map(({ version }) => version);
  for (const version of new Set([...Object.keys(versionWeights(document)), ...warm])) {
    const { state } = await ports.deploys.status(backendName(endpoint, version), STATUS_TIMEOUT_MS);
    if (state !== "unknown" && state !== "cold") continue;
    if (await prepareVersion(ports, endpoint, version)) continue;
    ports.log.error({ endpoint, version }, "A version has traffic and no rollout says how to serve it.");
  }
}
