// How one object of a release differs from the manifest that it was made from: its name, what it selects, and what its program is told.
import type { ReleaseRequest } from "../../ports/deploys.ts";

/** The label by which everything of one backend is found. */
export const BACKEND_LABEL = "signalbox.dev/backend";
/** How many replicas it has when it is warm. */
export const REPLICAS_ANNOTATION = "signalbox.dev/replicas";

/** An object of Kubernetes as YAML has it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;
type Refuse = (path: string, what: string) => never;

/** Replicas without any word about them. */
const REPLICAS_DEFAULT = 1;
/** Replicas of one backend. */
export const BACKEND_REPLICAS_MAX = 1_000;
/** How long a backend may take to become ready before it has failed. A model that is loaded from a bucket takes minutes. */
export const BACKEND_PROGRESS_SECONDS = 900;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
/** The fields of an object, none for anything else. */
export const fields = (value: unknown): Fields => (isFields(value) ? value : {});
/** The elements of a list, none for anything else. */
export const list = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as readonly unknown[]) : [];

/** Name and namespace. Configuration keeps its name behind the backend's, so that no two releases share one. */
export function renamed({ kind, metadata }: Manifest, backend: string, namespace: string) {
  const own = kind === "ConfigMap" ? configMapName(metadata?.name ?? "config", backend) : backend;
  return { name: own, namespace };
}

const configMapName = (name: string, backend: string): string => `${backend}-${name}`.slice(0, 253);

/** The same value with every reference to a ConfigMap led to the release's own. */
function withConfigMaps(value: unknown, backend: string): unknown {
  if (Array.isArray(value)) return value.map((each) => withConfigMaps(each, backend));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const isReference = ["configMap", "configMapRef", "configMapKeyRef"].includes(key) && isFields(each);
      if (!isReference || typeof each["name"] !== "string") return [key, withConfigMaps(each, backend)];
      return [key, { ...each, name: configMapName(each["name"], backend) }];
    }),
  );
}

/** What the program is told: parameters first, so that none can stand for what we tell. */
function environmentOf({ modelVersion, artifact, serving }: ReleaseRequest) {
  const parameters = Object.entries(serving.parameters)
    .filter(([name]) => name !== "replicas")
    .map(([name, value]) => ({
      name: `PARAMETER_${name.replaceAll(/[^A-Za-z0-9]/g, "_").toUpperCase()}`,
      value: String(value),
    }));
  return [
    ...parameters,
    { name: "MODEL_VERSION", value: modelVersion },
    { name: "ARTIFACT", value: artifact.uri },
    { name: "ARTIFACT_DIGEST", value: artifact.digest },
  ];
}

function replicasOf(spec: Fields, { serving }: ReleaseRequest, refuse: Refuse): number {
  const replicas = serving.parameters["replicas"] ?? spec["replicas"] ?? REPLICAS_DEFAULT;
  if (
    typeof replicas === "number" &&
    Number.isInteger(replicas) &&
    replicas >= 1 &&
    replicas <= BACKEND_REPLICAS_MAX
  )
    return replicas;
  return refuse("parameters.replicas", `it must be a whole number from 1 to ${BACKEND_REPLICAS_MAX}.`);
}

function deployment(manifest: Manifest, request: ReleaseRequest, refuse: Refuse): Manifest {
  const spec = fields(manifest.spec);
  const template = fields(spec["template"]);
  const metadata = fields(template["metadata"]);
  const pod = fields(withConfigMaps(template["spec"], request.backend));
  const told = environmentOf(request);
  const names = new Set(told.map(({ name }) => name));
  const containers = list(pod["containers"]).map((container) => {
    const own = list(fields(container)["env"]).filter((each) => !names.has(String(fields(each)["name"])));
    return { ...fields(container), env: [...own, ...told] };
  });
  if (containers.length === 0) return refuse("the Deployment", "it has no container.");
  const replicas = replicasOf(spec, request, refuse);
  const selected = { [BACKEND_LABEL]: request.backend };
  return {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      annotations: { ...manifest.metadata?.annotations, [REPLICAS_ANNOTATION]: String(replicas) },
    },
    spec: {
      progressDeadlineSeconds: BACKEND_PROGRESS_SECONDS,
      ...spec,
      replicas,
      selector: { matchLabels: selected },
      template: {
        ...template,
        metadata: {
          ...metadata,
          labels: { ...fields(metadata["labels"]), ...manifest.metadata?.labels, ...selected },
        },
        spec: { ...pod, containers },
      },
    },
  };
}

/** The object of a release that a manifest becomes. */
export function servingTemplate(manifest: Manifest, request: ReleaseRequest, refuse: Refuse): Manifest {
  const selected = { [BACKEND_LABEL]: request.backend };
  const spec = fields(manifest.spec);
  switch (manifest.kind) {
    case "Deployment":
      return deployment(manifest, request, refuse);
    case "Service": {
      // Another type would be a way to the backend beside the route.
      if ((spec["type"] ?? "ClusterIP") !== "ClusterIP")
        return refuse(
          "the Service",
          "it must be of type ClusterIP: requests come through the endpoint's route alone.",
        );
      return { ...manifest, spec: { ...spec, selector: selected } };
    }
    case "HorizontalPodAutoscaler": {
      const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: request.backend };
      return { ...manifest, spec: { ...spec, scaleTargetRef } };
    }
    case "PodDisruptionBudget":
      return { ...manifest, spec: { ...spec, selector: { matchLabels: selected } } };
    case "HealthCheckPolicy":
    case "GCPBackendPolicy": {
      const targetRef = { group: "", kind: "Service", name: request.backend };
      return { ...manifest, spec: { ...spec, targetRef } };
    }
    default:
      return manifest;
  }
}
