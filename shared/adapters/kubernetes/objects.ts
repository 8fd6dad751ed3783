// Kubernetes objects as they cross the wire, and the paths that name them.
import { invalidArgument } from "../../domain/errors.ts";

/** What every object has; a kind adds its `spec`. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** The part of the metadata that we read or write. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  /** Opaque by its reference; since Kubernetes 1.35 a decimal integer that only grows. */
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A kind as its path names it. */
export interface ResourceKind {
  /** Such as `gateway.networking.k8s.io/v1`, or `v1` for the core group. */
  readonly apiVersion: string;
  readonly plural: string;
}

/** Kinds that we touch. */
export const HTTP_ROUTES: ResourceKind = {
  apiVersion: "gateway.networking.k8s.io/v1",
  plural: "httproutes",
};
/** Jobs of KubeRay. */
export const RAY_JOBS: ResourceKind = { apiVersion: "ray.io/v1", plural: "rayjobs" };
/** What Kueue admits; one for each job that waits in a queue. */
export const WORKLOADS: ResourceKind = { apiVersion: "kueue.x-k8s.io/v1beta2", plural: "workloads" };
/** Pods, for their logs. */
export const PODS: ResourceKind = { apiVersion: "v1", plural: "pods" };

// Names of objects are DNS subdomains, those of namespaces DNS labels: neither can hold a slash, a question mark or an escape.
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** Characters of a name (RFC 1123). */
const SUBDOMAIN_CHARACTERS_MAX = 253;
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The name of a namespace, or a refusal that names the field. */
export function requireNamespace(namespace: string): string {
  if (LABEL.test(namespace)) return namespace;
  throw invalidArgument(
    "namespace",
    `${JSON.stringify(namespace.slice(0, 100))} cannot be a Kubernetes namespace: use 1 to 63 lower-case letters, digits and dashes, the prefix included.`,
    "INVALID_NAMESPACE",
  );
}

function requireObjectName(name: string): string {
  if (name.length <= SUBDOMAIN_CHARACTERS_MAX && SUBDOMAIN.test(name)) return name;
  throw invalidArgument(
    "name",
    `${JSON.stringify(name.slice(0, 100))} cannot name a Kubernetes object: use lower-case letters, digits, dashes and dots.`,
    "INVALID_OBJECT_NAME",
  );
}

/** The path of a collection: in one namespace, or in all without one. */
export function collectionPath({ apiVersion, plural }: ResourceKind, namespace?: string): string {
  const group = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
  return namespace === undefined
    ? `${group}/${plural}`
    : `${group}/namespaces/${requireNamespace(namespace)}/${plural}`;
}

/** The path of one object, or of a part of it such as `log`. */
export function objectPath(
  kind: ResourceKind,
  namespace: string,
  name: string,
  subresource?: "log" | "status",
): string {
  const path = `${collectionPath(kind, namespace)}/${requireObjectName(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
