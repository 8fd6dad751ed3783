// A fake of Cloud Deploy's REST API that really renders what it is given into a cluster. Written from cloud_deploy.proto of
// @google-cloud/deploy and cloud.google.com/deploy/docs. It keeps state, and publishes what its topics would get.
import { gunzipSync } from "node:zlib";
import { parseAllDocuments } from "yaml";
import type { Manifest } from "../../../shared/adapters/google/deploys-template.ts";
import type { BucketFake } from "./bucket-fake.ts";
import type { ClusterFake } from "./cluster-fake.ts";
import { type RestAnswer, restError, type RestFake, type RestRequest } from "./rest-front.ts";

interface Release {
  readonly name: string;
  readonly requestId: string;
  readonly body: {
    readonly annotations?: Record<string, string>;
    readonly skaffoldConfigUri?: string;
    readonly skaffoldConfigPath?: string;
  };
  readonly manifests: readonly Manifest[];
}

/** A rollout as the fake keeps it. */
export interface FakeRollout {
  readonly name: string;
  readonly requestId: string;
  readonly body: Readonly<Record<string, unknown>>;
  state: string;
  failureReason?: string;
}

/** A message of one of the topics: everything is in its attributes. */
export interface DeployNotification {
  readonly topic: "clouddeploy-resources" | "clouddeploy-operations" | "clouddeploy-approvals";
  readonly attributes: Readonly<Record<string, string>>;
}

/** The fake, and what a test may do to it. */
export interface CloudDeployFake {
  readonly handle: RestFake;
  readonly releases: Map<string, Release>;
  readonly rollouts: Map<string, FakeRollout>;
  readonly notifications: DeployNotification[];
  /** Rollouts wait in this state instead of running. */
  readonly hold: (state: "PENDING" | "PENDING_APPROVAL" | "IN_PROGRESS") => void;
}

const ID = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const RUNNING = new Set(["PENDING", "PENDING_APPROVAL", "PENDING_RELEASE", "IN_PROGRESS"]);

/** The files of a ustar archive. */
export function untar(archive: Uint8Array): ReadonlyMap<string, string> {
  const tar = gunzipSync(archive);
  const files = new Map<string, string>();
  for (let at = 0; at < tar.length && tar[at] !== 0;) {
    const text = (from: number, length: number) =>
      tar
        .subarray(at + from, at + from + length)
        .toString("latin1")
        .split("\0")[0] ?? "";
    const size = Number.parseInt(text(124, 12), 8);
    files.set(text(0, 100), tar.subarray(at + 512, at + 512 + size).toString("utf8"));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** A pipeline `serving` with one target. */
export function createCloudDeployFake(options: {
  readonly pipeline: string;
  readonly target: string;
  readonly bucket: string;
  readonly objects: BucketFake["objects"];
  readonly cluster: Pick<ClusterFake, "apply">;
}): CloudDeployFake {
  const { pipeline, target, bucket, objects, cluster } = options;
  const releases = new Map<string, Release>();
  const rollouts = new Map<string, FakeRollout>();
  const notifications: DeployNotification[] = [];
  let held: string | undefined;
  const tell = (
    topic: DeployNotification["topic"],
    Action: string,
    ResourceType: string,
    Resource: string,
  ): void => {
    const [, , , , , DeliveryPipelineId = "", , ReleaseId = "", , RolloutId = ""] = Resource.split("/").slice(
      0,
      10,
    );
    notifications.push({
      topic,
      attributes: {
        Action,
        ResourceType,
        Resource,
        Location: "europe-west1",
        ProjectNumber: "123456789012",
        DeliveryPipelineId,
        ReleaseId,
        RolloutId,
        TargetId: target,
      },
    });
  };
  const rendered = (uri = "", path = ""): readonly Manifest[] | string => {
    const name = uri.startsWith(`gs://${bucket}/`) ? uri.slice(`gs://${bucket}/`.length) : "";
    const archive = objects.get(name);
    if (archive === undefined) return `cannot read ${uri}`;
    const files = untar(archive.bytes);
    const skaffold = files.get(path);
    if (skaffold === undefined) return `${path} is not in ${uri}`;
    const { manifests } = JSON.parse(skaffold) as { manifests: { rawYaml: readonly string[] } };
    return manifests.rawYaml.flatMap((file) =>
      parseAllDocuments(files.get(file) ?? "").map((document) => document.toJS() as Manifest),
    );
  };
  const operation = (name: string): RestAnswer => ({
    status: 200,
    body: { name: `operations/${name.split("/").at(-1) ?? ""}`, done: false },
  });
  const createRelease = ({ query, body }: RestRequest): RestAnswer => {
    const [id, requestId] = [query.get("releaseId") ?? "", query.get("requestId") ?? ""];
    if (!ID.test(id)) return restError(400, "INVALID_ARGUMENT", `invalid release_id: ${id}`);
    if (requestId !== "" && !UUID.test(requestId))
      return restError(400, "INVALID_ARGUMENT", "request_id must be a valid UUID");
    const name = `${pipeline}/releases/${id}`;
    const known = releases.get(name);
    if (known !== undefined)
      return known.requestId === requestId
        ? operation(name)
        : restError(409, "ALREADY_EXISTS", `Resource '${name}' already exists`);
    const asked = JSON.parse(body.toString("utf8")) as Release["body"];
    const manifests = rendered(asked.skaffoldConfigUri, asked.skaffoldConfigPath);
    if (typeof manifests === "string") return restError(400, "INVALID_ARGUMENT", manifests);
    releases.set(name, { name, requestId, body: asked, manifests });
    tell("clouddeploy-resources", "Create", "Release", name);
    return operation(name);
  };
  const run = (rollout: FakeRollout, release: Release): void => {
    rollout.state = "IN_PROGRESS";
    tell("clouddeploy-operations", "Start", "Rollout", rollout.name);
    cluster.apply(release.manifests);
    rollout.state = "SUCCEEDED";
    tell("clouddeploy-operations", "Succeed", "Rollout", rollout.name);
  };
  const createRollout = (release: Release | undefined, { query, body }: RestRequest): RestAnswer => {
    if (release === undefined) return restError(404, "NOT_FOUND", "Resource was not found");
    const [id, requestId] = [query.get("rolloutId") ?? "", query.get("requestId") ?? ""];
    if (!ID.test(id)) return restError(400, "INVALID_ARGUMENT", `invalid rollout_id: ${id}`);
    const name = `${release.name}/rollouts/${id}`;
    const known = rollouts.get(name);
    if (known !== undefined)
      return known.requestId === requestId
        ? operation(name)
        : restError(409, "ALREADY_EXISTS", `Resource '${name}' already exists`);
    const asked = JSON.parse(body.toString("utf8")) as Record<string, unknown>;
    if (asked["targetId"] !== target)
      return restError(400, "INVALID_ARGUMENT", `target ${String(asked["targetId"])} is not in the pipeline`);
    const rollout: FakeRollout = { name, requestId, body: asked, state: held ?? "PENDING" };
    rollouts.set(name, rollout);
    tell("clouddeploy-resources", "Create", "Rollout", name);
    if (held === "PENDING_APPROVAL") tell("clouddeploy-approvals", "Required", "Rollout", name);
    if (held === undefined) setImmediate(() => run(rollout, release));
    return operation(name);
  };
  const rolloutAnswer = (rollout: FakeRollout, action: string | undefined): RestAnswer => {
    if (action === undefined)
      return {
        status: 200,
        body: {
          ...rollout.body,
          name: rollout.name,
          state: rollout.state,
          failureReason: rollout.failureReason ?? "",
        },
      };
    if (!RUNNING.has(rollout.state))
      return restError(400, "FAILED_PRECONDITION", `rollout is ${rollout.state}`);
    rollout.state = "CANCELLED";
    tell("clouddeploy-operations", "Cancelled", "Rollout", rollout.name);
    return { status: 200, body: {} };
  };
  const handle = (request: RestRequest): RestAnswer => {
    const match =
      /^\/v1\/(projects\/[^/]+\/locations\/[^/]+\/deliveryPipelines\/[^/]+)\/releases(?:\/([^/]+)(?:\/rollouts(?:\/([^/:]+)(?::(cancel))?)?)?)?$/.exec(
        request.path,
      );
    if (request.headers.authorization === undefined)
      return restError(401, "UNAUTHENTICATED", "No credential.");
    if (match === null) return restError(404, "NOT_FOUND", request.path);
    const [, parent, releaseId, rolloutId, action] = match;
    if (parent !== pipeline)
      return restError(403, "PERMISSION_DENIED", `Permission denied on ${parent ?? ""}`);
    if (releaseId === undefined) return createRelease(request);
    const release = releases.get(`${pipeline}/releases/${releaseId}`);
    if (request.method === "POST" && rolloutId === undefined) return createRollout(release, request);
    if (release === undefined) return restError(404, "NOT_FOUND", `Resource '${releaseId}' was not found`);
    if (rolloutId === undefined)
      return { status: 200, body: { ...release.body, name: release.name, renderState: "SUCCEEDED" } };
    const rollout = rollouts.get(`${release.name}/rollouts/${rolloutId}`);
    return rollout === undefined
      ? restError(404, "NOT_FOUND", `Resource '${rolloutId}' was not found`)
      : rolloutAnswer(rollout, action);
  };
  return { handle, releases, rollouts, notifications, hold: (state) => void (held = state) };
}
