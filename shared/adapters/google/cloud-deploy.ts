// The calls to Cloud Deploy that we make. Ids are derived, so that asking twice makes one; what is there already is compared.
import { createHash } from "node:crypto";
import type { CloudDeployClient } from "@google-cloud/deploy/build/src/v1/index.js";
import { ControlPlaneError, failedPrecondition } from "../../domain/errors.ts";
import { type Calls, type CallsOptions, createCalls, ONCE } from "./calls.ts";

/** The client that is handed over. */
export type DeployClient = Pick<
  CloudDeployClient,
  "createRelease" | "getRelease" | "createRollout" | "getRollout" | "cancelRollout"
>;

/** Where releases go. */
export interface DeployPlace {
  readonly project: string;
  readonly location: string;
  readonly pipeline: string;
  readonly target: string;
}

/** A release as it is asked for. */
export interface NewRelease {
  readonly id: string;
  /** `gs://…` of its archive. */
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** How a rollout stands. */
export interface CloudRollout {
  readonly phase: "preparing" | "deployed" | "failed" | "cancelled";
  readonly state: string;
  readonly detail: string;
}

/** Rollout.State by number (cloud_deploy.proto). */
const STATES = [
  "STATE_UNSPECIFIED",
  "SUCCEEDED",
  "FAILED",
  "IN_PROGRESS",
  "PENDING_APPROVAL",
  "APPROVAL_REJECTED",
  "PENDING",
  "PENDING_RELEASE",
  "CANCELLING",
  "CANCELLED",
  "HALTED",
];
const PHASES: Readonly<Record<string, CloudRollout["phase"]>> = {
  SUCCEEDED: "deployed",
  FAILED: "failed",
  APPROVAL_REJECTED: "failed",
  HALTED: "failed",
  CANCELLING: "cancelled",
  CANCELLED: "cancelled",
};

/** `r-<commit>-<hash>`: the same backend with the same content is the same release. */
export function releaseId(commit: string, backend: string, digest: string): string {
  const hash = createHash("sha256").update(`${backend}\n${digest}`).digest("hex").slice(0, 8);
  return `r-${commit.slice(0, 12)}-${hash}`;
}

/** A UUID that is always the same for the same text (RFC 9562, version 8: our own). */
export function requestIdOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Over REST this client knows HTTP's codes only, where 409 is either of these. */
const EXISTS = ["ALREADY_EXISTS", "ABORTED"] as const;

const isCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof ControlPlaneError && codes.includes(error.code);

interface Context {
  readonly client: DeployClient;
  readonly call: Calls;
  readonly parent: string;
  readonly target: string;
}

const releaseName = ({ parent }: Context, id: string): string => `${parent}/releases/${id}`;
const rolloutName = (context: Context, release: string, rollout: string): string =>
  `${releaseName(context, release)}/rollouts/${rollout}`;

/** Throws unless the release is there as it should be. */
async function compare(context: Context, { id, annotations }: NewRelease): Promise<void> {
  const { client, call } = context;
  const name = releaseName(context, id);
  const about = { method: "GetRelease", doing: `Reading the release ${id}`, resource: name };
  const [found] = await call(about, () => client.getRelease({ name }, ONCE));
  const different = Object.entries(annotations).find(([key, value]) => found.annotations?.[key] !== value);
  if (different === undefined) return;
  throw failedPrecondition(
    "RELEASE_DIFFERS",
    `The release ${id} is there with another ${different[0]}. Somebody else made it: abandon it, or commit anew.`,
    { release: id },
  );
}

async function createRelease(context: Context, release: NewRelease): Promise<void> {
  const { client, call, parent } = context;
  const { id, bundle, annotations } = release;
  const name = releaseName(context, id);
  const about = { method: "CreateRelease", doing: `Creating the release ${id}`, resource: name };
  const body = {
    name,
    annotations: { ...annotations },
    labels: { "managed-by": "signalbox" },
    skaffoldConfigUri: bundle,
    skaffoldConfigPath: "skaffold.yaml",
  };
  const request = { parent, releaseId: id, release: body, requestId: requestIdOf(name) };
  try {
    await call(about, () => client.createRelease(request, ONCE));
  } catch (error) {
    if (!isCode(error, ...EXISTS)) throw error;
    await compare(context, release).catch((problem: unknown) => {
      throw isCode(problem, "NOT_FOUND") ? error : problem;
    });
  }
}

async function getRollout(context: Context, release: string, id: string): Promise<CloudRollout | undefined> {
  const { client, call } = context;
  const name = rolloutName(context, release, id);
  const about = { method: "GetRollout", doing: `Reading the rollout ${id}`, resource: name };
  try {
    const [{ state: given, failureReason }] = await call(about, () => client.getRollout({ name }, ONCE));
    const state = typeof given === "number" ? (STATES[given] ?? String(given)) : String(given ?? STATES[0]);
    return { phase: PHASES[state] ?? "preparing", state, detail: (failureReason ?? "").slice(0, 500) };
  } catch (error) {
    if (isCode(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

async function createRollout(context: Context, release: string, id: string): Promise<void> {
  const { client, call, target } = context;
  const name = rolloutName(context, release, id);
  const about = { method: "CreateRollout", doing: `Rolling out ${release}`, resource: name };
  const rollout = { name, targetId: target, labels: { "managed-by": "signalbox" } };
  const parent = releaseName(context, release);
  try {
    await call(about, () =>
      client.createRollout({ parent, rolloutId: id, rollout, requestId: requestIdOf(name) }, ONCE),
    );
  } catch (error) {
    if (isCode(error, ...EXISTS) && (await getRollout(context, release, id)) !== undefined) return;
    if (!isCode(error, "NOT_FOUND")) throw error;
    const message = `Cloud Deploy does not show the release ${release} yet. It is tried again.`;
    throw new ControlPlaneError("UNAVAILABLE", message, { reason: "RELEASE_NOT_SHOWN" });
  }
}

async function cancelRollout(context: Context, release: string, id: string): Promise<void> {
  const { client, call } = context;
  const name = rolloutName(context, release, id);
  const about = { method: "CancelRollout", doing: `Cancelling the rollout ${id}`, resource: name };
  try {
    await call(about, () => client.cancelRollout({ name }, ONCE));
  } catch (error) {
    if (isCode(error, "NOT_FOUND")) return;
    // Whatever it answers to that: one that has ended needs no stop.
    const now = await getRollout(context, release, id).catch(() => undefined);
    if (now === undefined || now.phase === "preparing") throw error;
  }
}

/** Cloud Deploy, as far as we use it. Every call is asked once. */
export interface CloudDeploy {
  /** Creates the release, or finds it as it should be. It resolves before it is rendered. */
  readonly createRelease: (release: NewRelease) => Promise<void>;
  /** Creates the rollout to the target, or finds it. UNAVAILABLE while Cloud Deploy does not show the release yet. */
  readonly createRollout: (release: string, rollout: string) => Promise<void>;
  /** Undefined when there is none. */
  readonly rollout: (release: string, rollout: string) => Promise<CloudRollout | undefined>;
  /** Stops a rollout; one that has ended, or is not there, is left. */
  readonly cancel: (release: string, rollout: string) => Promise<void>;
}

/** The calls in one place. */
export function createCloudDeploy(
  client: DeployClient,
  place: DeployPlace,
  options: CallsOptions,
): CloudDeploy {
  const { project, location, pipeline, target } = place;
  const parent = `projects/${project}/locations/${location}/deliveryPipelines/${pipeline}`;
  const context: Context = { client, call: createCalls(options), parent, target };
  return {
    createRelease: (release) => createRelease(context, release),
    createRollout: (release, rollout) => createRollout(context, release, rollout),
    rollout: (release, rollout) => getRollout(context, release, rollout),
    cancel: (release, rollout) => cancelRollout(context, release, rollout),
  };
}
