// Settings that only Google Cloud asks for, by service. The names are those that terraform/control-plane sets.
import { Type } from "typebox";

/** What comes before the name of every secret and subscription, as `signalbox-prod`. */
export const GOOGLE_SECRETS = {
  SIGNALBOX_PREFIX: Type.String({
    pattern: "^[a-z][a-z0-9-]{0,40}$",
    description: "set it to the prefix of the installation's names, such as signalbox-prod.",
  }),
};

/** Where an edge may be called as. */
const HOSTS = {
  SIGNALBOX_HOSTS: Type.String({
    pattern: "^[a-z0-9.-]+(,[a-z0-9.-]+)*$",
    description: "list the host names of this service, with commas between them.",
  }),
};

/** What the webhook needs: without its host names it would turn away every delivery. */
export const GOOGLE_WEBHOOK = { ...GOOGLE_SECRETS, ...HOSTS };

/** A JSON object of texts in which these names are there; what is missing is said with all other problems. */
const names = (description: string, ...required: readonly string[]) =>
  Type.String({
    pattern: `^\\{${required.map((name) => `(?=.*"${name}":\\s*"[^"]+")`).join("")}.*\\}$`,
    description,
  });

/** Subscriptions of Google's own topics, by topic. */
const hints = (...topics: readonly string[]) => ({
  SIGNALBOX_HINTS: names(
    `set it to a JSON object of subscriptions that has ${topics.join(", ")}.`,
    ...topics,
  ),
});

/** Where builds run, whatever they do. */
const GOOGLE_BUILDS = {
  SIGNALBOX_REGION: Type.String({ description: "set it to the region of builds and workflows." }),
  SIGNALBOX_BUILD_IMAGE: Type.String({
    pattern: "@sha256:[0-9a-f]{64}$",
    description: "set it to the image of builds, by digest.",
  }),
  SIGNALBOX_BUILD_POOL: Type.String({
    pattern: "^(default|projects/[^/]+/locations/[^/]+/workerPools/[^/]+)$",
    description: "set it to default, or to a worker pool as projects/…/locations/…/workerPools/….",
  }),
};

/** What the provisioner needs: where builds run and as whom, and where plans and states lie. */
export const GOOGLE_PROVISIONING = {
  ...GOOGLE_SECRETS,
  ...hints("cloud-builds"),
  ...GOOGLE_BUILDS,
  SIGNALBOX_BUCKETS: names(
    'set it to a JSON object of bucket names that has "plans" and "state".',
    "plans",
    "state",
  ),
  SIGNALBOX_BUILDS_FOLDER: Type.String({
    pattern: "^gs://[^/]+/.+$",
    description: "set it to the folder of builds, as gs://BUCKET/FOLDER.",
  }),
  SIGNALBOX_BUILD_IDENTITIES: names(
    'set it to a JSON object of accounts that has "tf-plan" and "tf-apply-ENVIRONMENT".',
    "tf-plan",
    "tf-apply-[a-z0-9]+",
  ),
};

/** What a service needs that looks at artifacts: where they lie, and how the digest of a large one comes about. */
export const GOOGLE_ARTIFACTS = {
  ...GOOGLE_BUILDS,
  SIGNALBOX_ARTIFACTS: Type.String({
    pattern: "^gs://[^/]+(/[^/]+)*$",
    description:
      "set it to the bucket of artifacts, or a folder of it, as gs://BUCKET or gs://BUCKET/FOLDER.",
  }),
  SIGNALBOX_DIGESTS_FOLDER: Type.String({
    pattern: "^gs://[^/]+/.+$",
    description: "set it to the folder of digests, as gs://BUCKET/FOLDER.",
  }),
  SIGNALBOX_DIGEST_ACCOUNT: Type.String({
    pattern: "^[^@\\s]+@[^@\\s]+$",
    description: "set it to the account as which builds read artifacts.",
  }),
};

/** What the registry needs: artifacts, and the news that a digest is known. */
export const GOOGLE_REGISTRY = { ...GOOGLE_ARTIFACTS, ...hints("cloud-builds") };

/** Where models are served: which cluster, how its API is reached, and how endpoints lie in it. `none`: there is no cluster yet. */
export const GOOGLE_CLUSTER = {
  SIGNALBOX_CLUSTER: Type.String({
    pattern: "^(none|projects/[^/]+/locations/[^/]+/clusters/[^/]+)$",
    description: "set it to the cluster as projects/…/locations/…/clusters/…, or to none.",
  }),
  SIGNALBOX_CLUSTER_ENDPOINT: Type.String({
    pattern: "^(none|https://[a-z0-9.-]+)$",
    description: "set it to https:// and the cluster's DNS-based endpoint, or to none.",
  }),
  SIGNALBOX_GATEWAY: Type.String({
    pattern: "^[a-z0-9-]+/[a-z0-9-]+$",
    description: "set it to the Gateway of all endpoints, as NAMESPACE/NAME.",
  }),
  SIGNALBOX_BACKEND_PORT: Type.Integer({
    minimum: 1,
    maximum: 65_535,
    description: "set it to the port of the Services that backends are.",
  }),
};

/** Where runs go: into which namespace and queue of the cluster, and what each gets a Ray cluster of. */
export const GOOGLE_RUNS = {
  SIGNALBOX_CLUSTER: GOOGLE_CLUSTER.SIGNALBOX_CLUSTER,
  SIGNALBOX_CLUSTER_ENDPOINT: GOOGLE_CLUSTER.SIGNALBOX_CLUSTER_ENDPOINT,
  SIGNALBOX_RUNS_NAMESPACE: Type.String({
    pattern: "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
    description: "set it to the namespace of runs, such as signalbox-runs.",
  }),
  SIGNALBOX_RUNS_QUEUE: Type.String({
    pattern: "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
    description: "set it to the LocalQueue of Kueue that admits runs, or to none.",
  }),
  SIGNALBOX_RAY_CLUSTER: Type.String({
    format: "json",
    pattern: '^\\{.*"headGroupSpec":.*\\}$',
    description: "set it to the rayClusterSpec of runs as JSON, with its headGroupSpec.",
  }),
};

/** What the data service needs: the cluster of runs, and the workflow that sequences them. */
export const GOOGLE_DATA = {
  ...GOOGLE_SECRETS,
  ...GOOGLE_RUNS,
  SIGNALBOX_REGION: Type.String({ description: "set it to the region of the workflows." }),
};

/** What a service needs that looks at traffic, counters and executions, or moves traffic. */
export const GOOGLE_SERVING = {
  ...GOOGLE_SECRETS,
  ...GOOGLE_CLUSTER,
  SIGNALBOX_REGION: Type.String({ description: "set it to the region of the workflows." }),
};

/** What the rollout service needs besides: where artifacts and releases lie. */
export const GOOGLE_ROLLOUT = {
  ...hints("clouddeploy-operations", "clouddeploy-resources", "clouddeploy-approvals"),
  ...GOOGLE_SERVING,
  ...GOOGLE_ARTIFACTS,
  SIGNALBOX_RELEASES_FOLDER: Type.String({
    pattern: "^gs://[^/]+/.+$",
    description: "set it to the folder of releases, as gs://BUCKET/FOLDER.",
  }),
};

/** What every edge needs: where it may be called as, and the cluster whose traffic it shows or moves. */
const EDGE = {
  ...GOOGLE_SERVING,
  ...HOSTS,
};

/** What programs are asked for at their door, and what pushes the events of others there. */
const PROGRAMS = {
  SIGNALBOX_AUDIENCES: Type.String({
    pattern: "^[^,]+,https://[^,]+$",
    description: "set it to the audience of pushes and, after a comma, the URL that tokens of programs name.",
  }),
  SIGNALBOX_WORKFLOW_ACCOUNT: Type.String({
    description: "set it to the account that the workflows call as.",
  }),
  SIGNALBOX_SUBSCRIPTION: Type.String({
    pattern: "^projects/[^/]+/subscriptions/[^/]+$",
    description: "set it to the subscription of outside events, as projects/…/subscriptions/….",
  }),
  SIGNALBOX_PUSH_ACCOUNT: Type.String({
    description: "set it to the account that outside events are pushed as.",
  }),
  /** Cloud Run sets it. */
  K_SERVICE: Type.Optional(Type.String()),
};

const PEOPLE = {
  SIGNALBOX_IAP_AUDIENCE: Type.String({
    pattern: "^/projects/",
    description:
      "set it to the audience of IAP's assertions, as /projects/NUMBER/locations/REGION/services/NAME.",
  }),
};

/** What the console needs: it is for people alone. */
export const GOOGLE_CONSOLE = { ...EDGE, ...PEOPLE };

const API = {
  ...EDGE,
  ...GOOGLE_ARTIFACTS,
  ...GOOGLE_RUNS,
  SIGNALBOX_BUILDS_FOLDER: GOOGLE_PROVISIONING.SIGNALBOX_BUILDS_FOLDER,
};
const doorIs = <Door extends string>(door: Door) =>
  Type.Literal(door, { description: "set it to people behind IAP, or to programs behind IAM." });

/** What the API needs at the door for people. */
export const GOOGLE_API_OF_PEOPLE = { ...API, ...PEOPLE, SIGNALBOX_DOOR: doorIs("people") };
/** What the API needs at the door for programs. */
export const GOOGLE_API_OF_PROGRAMS = { ...API, ...PROGRAMS, SIGNALBOX_DOOR: doorIs("programs") };

/** What the API needs, by the door that it is told to be (decision 0044): what only the other door needs is not asked for. */
export const googleApi = (door: string | undefined) =>
  door === "programs" ? GOOGLE_API_OF_PROGRAMS : GOOGLE_API_OF_PEOPLE;
