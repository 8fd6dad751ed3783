// Settings that only Google Cloud asks for, by service. The names are those that terraform/control-plane sets.
import { Type } from "typebox";

/** What comes before the name of every secret and subscription, as `signalbox-prod`. */
export const GOOGLE_SECRETS = {
  SIGNALBOX_PREFIX: Type.String({
    pattern: "^[a-z][a-z0-9-]{0,40}$",
    description: "set it to the prefix of the installation's names, such as signalbox-prod.",
  }),
};

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

/** What the provisioner needs: where builds run and as whom, and where plans and states lie. */
export const GOOGLE_PROVISIONING = {
  ...GOOGLE_SECRETS,
  ...hints("cloud-builds"),
  SIGNALBOX_REGION: Type.String({ description: "set it to the region of the builds." }),
  SIGNALBOX_BUCKETS: names(
    'set it to a JSON object of bucket names that has "plans" and "state".',
    "plans",
    "state",
  ),
  SIGNALBOX_BUILDS_FOLDER: Type.String({
    pattern: "^gs://[^/]+/.+$",
    description: "set it to the folder of builds, as gs://BUCKET/FOLDER.",
  }),
  SIGNALBOX_BUILD_IMAGE: Type.String({
    pattern: "@sha256:[0-9a-f]{64}$",
    description: "set it to the image of builds, by digest.",
  }),
  SIGNALBOX_BUILD_IDENTITIES: names(
    'set it to a JSON object of accounts that has "tf-plan" and "tf-apply-ENVIRONMENT".',
    "tf-plan",
    "tf-apply-[a-z0-9]+",
  ),
  SIGNALBOX_BUILD_POOL: Type.String({
    pattern: "^(default|projects/[^/]+/locations/[^/]+/workerPools/[^/]+)$",
    description: "set it to default, or to a worker pool as projects/…/locations/…/workerPools/….",
  }),
};

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

/** What a service needs that looks at traffic, counters and executions, or moves traffic. */
export const GOOGLE_SERVING = {
  ...GOOGLE_SECRETS,
  ...GOOGLE_CLUSTER,
  SIGNALBOX_REGION: Type.String({ description: "set it to the region of the workflows." }),
};

/** Where artifacts of models lie. */
export const GOOGLE_ARTIFACTS = {
  SIGNALBOX_BUCKETS: names('set it to a JSON object of bucket names that has "artifacts".', "artifacts"),
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
