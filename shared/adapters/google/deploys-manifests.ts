// The manifests of one release, made from the folder of an endpoint: immutable, under the backend's own name, with nothing in them that
// moves traffic. What they may hold is a short list, because whatever else they held would outlive the release or be shared by two.
import { type Document, parseAllDocuments, visit } from "yaml";
import { failedPrecondition } from "../../domain/errors.ts";
import { lastId } from "../../domain/names.ts";
import type { ReleaseRequest } from "../../ports/deploys.ts";
import { ENDPOINT_LABEL, MANAGED_BY, routePlace, TEAM_LABEL } from "../kubernetes/placement.ts";
import { healthCheckOf } from "./deploys-health-check.ts";
import { BACKEND_LABEL, type Manifest, renamed, servingTemplate } from "./deploys-template.ts";

/** Files of one folder of manifests. */
export const MANIFEST_FILES_MAX = 50;
/** Bytes of all of them. */
export const MANIFEST_BYTES_MAX = 1024 * 1024;
/** Objects in them. */
export const MANIFEST_OBJECTS_MAX = 50;

/** A file of the folder. */
export interface ManifestFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Kinds that a release may hold, each with its group. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ["Deployment", "apps"],
  ["Service", ""],
  ["ConfigMap", ""],
  ["HorizontalPodAutoscaler", "autoscaling"],
  ["PodDisruptionBudget", "policy"],
  ["HealthCheckPolicy", "networking.gke.io"],
  ["GCPBackendPolicy", "networking.gke.io"],
]);
/** Kinds that send requests somewhere. */
const ROUTES = /(Route|Ingress|Gateway|VirtualService|TrafficSplit|DestinationRule)$/;

const refused = (path: string, what: string): never => {
  throw failedPrecondition("MANIFESTS_REFUSED", `${path}: ${what}`, { path });
};

const isManifest = (value: unknown): value is Manifest =>
  typeof value === "object" &&
  value !== null &&
  "kind" in value &&
  typeof value.kind === "string" &&
  "apiVersion" in value &&
  typeof value.apiVersion === "string";

/** Refuses an integer that would be written as another one than it was read as. */
function refuseRounded(path: string, document: Document): void {
  visit(document, {
    Scalar(_key, { value, source }) {
      if (typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value)) return;
      refused(
        path,
        `${source ?? value} is an integer that is not kept exactly. Write it in quotes, or smaller.`,
      );
    },
  });
}

function read({ path, bytes }: ManifestFile): readonly Manifest[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refused(path, "it is not UTF-8. Save it as UTF-8.");
  }
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) return refused(path, `it is no YAML: ${problem.message}`);
    refuseRounded(path, document);
    // Aliases are bounded: a page of them could otherwise become gigabytes.
    const value = document.toJS({ maxAliasCount: 100 }) as unknown;
    if (value === null) return [];
    if (!isManifest(value)) return refused(path, "an object has no apiVersion or no kind.");
    return [allowed(path, value)];
  });
}

function allowed(path: string, manifest: Manifest): Manifest {
  const { kind, apiVersion } = manifest;
  if (ROUTES.test(kind))
    return refused(
      path,
      `it holds the ${kind} ${manifest.metadata?.name ?? ""}, and traffic is Signalbox's alone. Take it out.`,
    );
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  if (KINDS.get(kind) !== group)
    return refused(
      path,
      `a release holds ${[...KINDS.keys()].join(", ")} only, and this is a ${apiVersion} ${kind}. Create it apart.`,
    );
  return manifest;
}

/** What all objects of a release bear. */
function marks(request: ReleaseRequest) {
  const { team } = routePlace(request.endpoint);
  return {
    labels: {
      [MANAGED_BY.label]: MANAGED_BY.value,
      [TEAM_LABEL]: team,
      [ENDPOINT_LABEL]: lastId(request.endpoint),
      [BACKEND_LABEL]: request.backend,
    },
    annotations: {
      "signalbox.dev/model-version": request.modelVersion,
      "signalbox.dev/artifact": request.artifact.uri,
      "signalbox.dev/digest": request.artifact.digest,
    },
  };
}

function ofKind(manifests: readonly Manifest[], kind: "Deployment" | "Service"): Manifest {
  const [first, second] = manifests.filter((manifest) => manifest.kind === kind);
  if (first !== undefined && second === undefined) return first;
  const count = first === undefined ? "none" : "more than one";
  return refused("the folder", `a release has one ${kind}, and here is ${count}.`);
}

/** The objects of a release, ready to be applied in `namespace`. */
export function renderManifests(
  request: ReleaseRequest,
  files: readonly ManifestFile[],
  namespace: string,
): readonly Manifest[] {
  if (files.length > MANIFEST_FILES_MAX)
    return refused("the folder", `it has more than ${MANIFEST_FILES_MAX} manifests.`);
  const size = files.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  if (size > MANIFEST_BYTES_MAX)
    return refused("the folder", `its manifests have more than ${MANIFEST_BYTES_MAX} bytes.`);
  const manifests = files.flatMap(read);
  if (manifests.length > MANIFEST_OBJECTS_MAX)
    return refused("the folder", `it has more than ${MANIFEST_OBJECTS_MAX} objects.`);
  const deployment = ofKind(manifests, "Deployment");
  ofKind(manifests, "Service");
  const own = manifests.some(({ kind }) => kind === "HealthCheckPolicy");
  const check = own ? undefined : healthCheckOf(deployment);
  const { labels, annotations } = marks(request);
  return [...manifests, ...(check === undefined ? [] : [check])].map((manifest) => {
    const metadata = {
      ...(manifest.metadata?.annotations === undefined ? {} : { annotations: manifest.metadata.annotations }),
      ...renamed(manifest, request.backend, namespace),
    };
    const marked: Manifest = {
      ...manifest,
      metadata: {
        ...metadata,
        labels: { ...manifest.metadata?.labels, ...labels },
        annotations: { ...metadata.annotations, ...annotations },
      },
    };
    return servingTemplate(marked, request, refused);
  });
}
