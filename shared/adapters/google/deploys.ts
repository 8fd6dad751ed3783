// Backends by Cloud Deploy: each is a release of its own with a Deployment and a Service of its own name. Cloud Deploy puts it there; how it
// stands is Kubernetes' word, so that whoever must go back asks neither Cloud Deploy nor a record. No route is ever part of a release.
import { ControlPlaneError, failedPrecondition } from "../../domain/errors.ts";
import type { BuildObjects } from "../../ports/build-objects.ts";
import type { CodeHost } from "../../ports/code-host.ts";
import type { BackendStatus, Deploys, ReleaseRequest } from "../../ports/deploys.ts";
import { routePlace } from "../kubernetes/placement.ts";
import type { CallsOptions } from "./calls.ts";
import {
  createCloudDeploy,
  type CloudDeploy,
  type DeployClient,
  type DeployPlace,
  releaseId,
} from "./cloud-deploy.ts";
import { packBundle } from "./deploys-bundle.ts";
import { MANIFEST_FILES_MAX, renderManifests } from "./deploys-manifests.ts";
import { type DeployRecord, readRecord, writeRecord } from "./deploys-record.ts";
import { statusInTime } from "./deploys-status.ts";
import { findWorkload, scaleWorkload, type WorkloadClient, workloadStatus } from "./deploys-workloads.ts";

/** What the adapter is made of. */
export interface CloudDeploysOptions extends CallsOptions {
  readonly client: DeployClient;
  readonly place: DeployPlace;
  readonly cluster: WorkloadClient;
  readonly codeHost: Pick<CodeHost, "tree" | "blob">;
  /** Archives of releases, and a small record of each backend. */
  readonly objects: BuildObjects;
  /** `gs://…` of these objects. */
  readonly folder: string;
  /** The digest of an artifact as it is now; undefined while a build computes it. */
  readonly digest: (uri: string) => Promise<string | undefined>;
  /** Before a team's id in the name of its namespace. */
  readonly namespacePrefix?: string;
}

interface World {
  readonly options: CloudDeploysOptions;
  readonly deploy: CloudDeploy;
}

const rolloutOf = ({ release, attempt }: DeployRecord): string => `${release}-${attempt}`;

/** The manifests of the folder at the commit. */
async function filesOf({ codeHost }: CloudDeploysOptions, { serving, repository, commit }: ReleaseRequest) {
  const folder = serving.manifests?.replace(/\/+$/, "");
  if (folder === undefined)
    throw failedPrecondition(
      "NO_MANIFESTS",
      "The endpoint has no serving.manifests, and a cluster needs them. Name their folder in .signalbox.yaml.",
    );
  const entries = (await codeHost.tree(repository, commit)).filter(
    ({ path }) => path.startsWith(`${folder}/`) && /\.(ya?ml|json)$/.test(path),
  );
  const odd = entries.find(({ mode }) => mode !== "100644" && mode !== "100755");
  if (odd !== undefined)
    throw failedPrecondition("MANIFESTS_REFUSED", `${odd.path} is a link: replace it with a file.`, {
      path: odd.path,
    });
  if (entries.length > MANIFEST_FILES_MAX)
    throw failedPrecondition("MANIFESTS_REFUSED", `${folder} has more than ${MANIFEST_FILES_MAX} manifests.`);
  return Promise.all(
    entries.map(async ({ path, objectId }) => ({ path, bytes: await codeHost.blob(repository, objectId) })),
  );
}

/** What is wrong with the artifact; undefined when it is what was registered. */
async function artifactProblem({ digest }: CloudDeploysOptions, { artifact }: ReleaseRequest) {
  const found = await digest(artifact.uri);
  if (found === undefined) {
    const message = `The digest of ${artifact.uri} is being computed. It is looked at again.`;
    throw new ControlPlaneError("UNAVAILABLE", message, { reason: "DIGEST_NOT_KNOWN_YET" });
  }
  if (found === artifact.digest) return undefined;
  return `The digest of ${artifact.uri} is ${found}, and ${artifact.digest} was registered: nothing was started.`;
}

/** Makes the release and its rollout. Everything about it is derived, so a repetition finds what is there. */
async function release(
  world: World,
  request: ReleaseRequest,
  known: DeployRecord | undefined,
): Promise<void> {
  const { options, deploy } = world;
  const { objects, clock, folder, namespacePrefix } = options;
  const at = clock.now().toISOString();
  const { namespace } = routePlace(request.endpoint, namespacePrefix);
  const { bytes, digest } = packBundle(renderManifests(request, await filesOf(options, request), namespace));
  const id = releaseId(request.commit, request.backend, digest);
  const isRetry = known?.wanted === "cold" && known.release === id;
  const attempt = isRetry ? known.attempt + 1 : known?.release === id ? known.attempt : 1;
  const record: DeployRecord = { wanted: "warm", release: id, attempt, at };
  const failure = await artifactProblem(options, request);
  if (failure !== undefined) return writeRecord(objects, request.backend, { ...record, failure });
  const archive = `bundles/${digest}.tar.gz`;
  await objects.create(archive, bytes);
  await writeRecord(objects, request.backend, record);
  const annotations = {
    "signalbox.dev/backend": request.backend,
    "signalbox.dev/bundle": `sha256:${digest}`,
  };
  await deploy.createRelease({ id, bundle: `${folder}/${archive}`, annotations });
  await deploy.createRollout(id, rolloutOf(record));
}

async function prepare(world: World, request: ReleaseRequest): Promise<void> {
  const { cluster, objects } = world.options;
  const workload = await findWorkload(cluster, request.backend);
  const known = await readRecord(objects, request.backend);
  if (workload === undefined) {
    // A backend that has failed stays so until it is retired.
    if (known?.failure !== undefined && known.wanted === "warm") return;
    return release(world, request, known);
  }
  if (workloadStatus(workload).state !== "cold") return;
  if (known !== undefined) await writeRecord(objects, request.backend, { ...known, wanted: "warm" });
  await scaleWorkload(cluster, workload, "warm");
}

/** How a backend stands that the cluster does not have (yet). */
async function statusWithoutWorkload({ options, deploy }: World, backend: string): Promise<BackendStatus> {
  const record = await readRecord(options.objects, backend);
  if (record === undefined) return { state: "unknown", message: "It was never prepared.", since: "" };
  const since = record.at;
  if (record.wanted === "cold") return { state: "cold", message: "It was retired.", since };
  if (record.failure !== undefined) return { state: "failed", message: record.failure, since };
  const rollout = await deploy.rollout(record.release, rolloutOf(record));
  const said = rollout === undefined || rollout.detail === "" ? "" : `: ${rollout.detail}`;
  if (rollout?.phase === "failed" || rollout?.phase === "cancelled")
    return {
      state: "failed",
      message: `It never became ready: its rollout is ${rollout.state}${said}.`,
      since,
    };
  if (rollout?.phase === "deployed")
    return {
      state: "failed",
      message: "It was rolled out, and the cluster has no Deployment of it any more.",
      since,
    };
  return {
    state: "preparing",
    message: `Its rollout is ${rollout?.state ?? "not created yet"}${said}.`,
    since,
  };
}

async function status(world: World, backend: string): Promise<BackendStatus> {
  const workload = await findWorkload(world.options.cluster, backend);
  return workload === undefined ? statusWithoutWorkload(world, backend) : workloadStatus(workload);
}

/** Stops what is on its way first: behind a rollout that runs, nothing else gets its turn. */
async function retire({ options, deploy }: World, backend: string): Promise<void> {
  const { objects, cluster, clock } = options;
  const record = await readRecord(objects, backend);
  const workload = await findWorkload(cluster, backend);
  if (record === undefined && workload === undefined) return;
  if (record !== undefined && record.wanted !== "cold") {
    const { failure: _, ...rest } = record;
    await writeRecord(objects, backend, { ...rest, wanted: "cold", at: clock.now().toISOString() });
    if (record.failure === undefined) await deploy.cancel(record.release, rolloutOf(record));
  }
  if (workload !== undefined) await scaleWorkload(cluster, workload, "cold");
}

/** Backends as releases of Cloud Deploy in a cluster. */
export function createCloudDeploys(options: CloudDeploysOptions): Deploys {
  const world: World = { options, deploy: createCloudDeploy(options.client, options.place, options) };
  const preparing = new Map<string, Promise<void>>();
  return {
    prepare(request) {
      const known = preparing.get(request.backend);
      if (known !== undefined) return known;
      const prepared = prepare(world, request).finally(() => preparing.delete(request.backend));
      preparing.set(request.backend, prepared);
      return prepared;
    },
    status: (backend, timeoutMs) =>
      statusInTime(options.clock, backend, timeoutMs, () => status(world, backend)),
    retire: (backend) => retire(world, backend),
    async warm(backend) {
      const workload = await findWorkload(options.cluster, backend);
      if (workload === undefined) return false;
      const record = await readRecord(options.objects, backend);
      if (record?.wanted === "cold")
        await writeRecord(options.objects, backend, { ...record, wanted: "warm" });
      await scaleWorkload(options.cluster, workload, "warm");
      return true;
    },
  };
}
