// The HTTPRoute of an endpoint: its weights and its traffic annotation, and back to a traffic document.
import { backendName } from "../../domain/backend.ts";
import { ControlPlaneError, failedPrecondition, invalidArgument } from "../../domain/errors.ts";
import { formatName, parseName } from "../../domain/names.ts";
import { parseTrafficDocument } from "../../domain/traffic-document.ts";
import type { TrafficDocument } from "../../domain/traffic.ts";
import { HTTP_ROUTES, type KubernetesObject, type ObjectMeta } from "./objects.ts";
import { ENDPOINT_LABEL, MANAGED_BY, type Placement, routePlace, TEAM_LABEL } from "./placement.ts";

/** The annotation that holds the traffic document but for its weights. */
export const TRAFFIC_ANNOTATION = "signalbox.dev/traffic";
/** The `resourceVersion` that a write replaced: no two writes are alike, so each gets a version of its own. */
export const REPLACED_ANNOTATION = "signalbox.dev/replaced";
/** Bytes that our annotation may have; Kubernetes takes 256 KiB of all annotations together and others need some. */
export const TRAFFIC_ANNOTATION_BYTES_MAX = 192 * 1_024;
/** Backends of one rule that Gateway API takes. */
export const ROUTE_BACKENDS_MAX = 16;

/** The team whose endpoints are also reached without naming it. */
const DEFAULT_TEAM = "default";

interface BackendRef {
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
  readonly weight?: number;
}

interface RouteMatch {
  readonly path?: { readonly type?: string; readonly value?: string };
  readonly [narrower: string]: unknown;
}

/** A rule of a route. */
export interface RouteRule {
  readonly matches?: readonly RouteMatch[];
  readonly filters?: readonly { readonly type: string; readonly [content: string]: unknown }[];
  readonly backendRefs?: readonly BackendRef[];
}

/** An HTTPRoute, as far as we write it. */
export interface HttpRoute extends KubernetesObject {
  readonly spec?: {
    readonly parentRefs?: readonly object[];
    readonly hostnames?: readonly string[];
    readonly rules?: readonly RouteRule[];
  };
}

const annotationBytes = (text: string): number => Buffer.byteLength(text, "utf8");

/** Backends in their order: those with weight, then the warm ones that a rollback may need, which the load balancer keeps ready. */
function backendRefs(endpoint: string, document: TrafficDocument, port: number): readonly BackendRef[] {
  const warm = document.traffic.good.filter(({ state }) => state === "warm").map(({ backend }) => backend);
  const idle = warm.filter((backend) => document.weights[backend] === undefined);
  const refs = [
    ...Object.entries(document.weights).map(([name, weight]) => ({ name, port, weight })),
    ...idle.map((name) => ({ name, port, weight: 0 })),
  ];
  if (Object.keys(document.weights).length > ROUTE_BACKENDS_MAX) {
    throw invalidArgument(
      "document.weights",
      `${endpoint} would be split over ${Object.keys(document.weights).length} backends: an HTTPRoute takes ${ROUTE_BACKENDS_MAX}.`,
      "TOO_MANY_BACKENDS",
    );
  }
  return refs.slice(0, ROUTE_BACKENDS_MAX);
}

/** What a route does for a document. One rule a path, since a path that is taken off must be the only one of its rule. */
export function rulesOf(
  endpoint: string,
  document: TrafficDocument,
  placement: Placement,
): readonly RouteRule[] {
  const { team, name } = routePlace(endpoint, placement.namespacePrefix);
  const paths = team === DEFAULT_TEAM ? [`/${team}/${name}`, `/${name}`] : [`/${team}/${name}`];
  const refs = backendRefs(endpoint, document, placement.backendPort);
  return paths.map((value) => ({
    matches: [{ path: { type: "PathPrefix", value } }],
    filters: [
      { type: "URLRewrite", urlRewrite: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/" } } },
    ],
    backendRefs: refs,
  }));
}

/** What changes with every write: the annotation and the rules, in one piece. */
export function routeChange(endpoint: string, document: TrafficDocument, placement: Placement) {
  const traffic = JSON.stringify(document.traffic);
  const bytes = annotationBytes(traffic);
  if (bytes > TRAFFIC_ANNOTATION_BYTES_MAX) {
    throw invalidArgument(
      "document.traffic",
      `The traffic document of ${endpoint} has ${bytes} bytes; the annotation ${TRAFFIC_ANNOTATION} takes ${TRAFFIC_ANNOTATION_BYTES_MAX}. Shorten names and reasons.`,
      "TRAFFIC_DOCUMENT_TOO_LARGE",
    );
  }
  const annotations = {
    [TRAFFIC_ANNOTATION]: traffic,
    [REPLACED_ANNOTATION]: String(document.resourceVersion),
  };
  return { annotations, rules: rulesOf(endpoint, document, placement) };
}

/** The route as it is created. */
export function newRoute(endpoint: string, document: TrafficDocument, placement: Placement): HttpRoute {
  const { namespace, name, team } = routePlace(endpoint, placement.namespacePrefix);
  const { annotations, rules } = routeChange(endpoint, document, placement);
  const { gateway, hostnames } = placement;
  const parent = { namespace: gateway.namespace, name: gateway.name };
  const labels = { [MANAGED_BY.label]: MANAGED_BY.value, [TEAM_LABEL]: team, [ENDPOINT_LABEL]: name };
  return {
    apiVersion: HTTP_ROUTES.apiVersion,
    kind: "HTTPRoute",
    metadata: { name, namespace, labels, annotations },
    spec: {
      parentRefs: [gateway.listener === undefined ? parent : { ...parent, sectionName: gateway.listener }],
      ...(hostnames === undefined ? {} : { hostnames }),
      rules,
    },
  };
}

/** The resource version as a number, which it is since Kubernetes 1.35 (etcd's revision); anything else is refused, never rounded. */
export function resourceVersionOf({ resourceVersion = "" }: ObjectMeta): number {
  const version = /^[1-9]\d{0,18}$/.test(resourceVersion) ? Number(resourceVersion) : Number.NaN;
  if (Number.isSafeInteger(version)) return version;
  throw failedPrecondition(
    "RESOURCE_VERSION_UNREADABLE",
    `The resource version ${JSON.stringify(resourceVersion.slice(0, 40))} is not a whole number that can be kept exactly: this cluster is not supported.`,
    { resourceVersion },
  );
}

/** The endpoint that a route of ours is for, by its labels; undefined for any other route. */
export function endpointOfRoute({ metadata: { labels = {}, name } }: HttpRoute): string | undefined {
  const team = labels[TEAM_LABEL] ?? "";
  if (labels[MANAGED_BY.label] !== MANAGED_BY.value || labels[ENDPOINT_LABEL] !== name) return undefined;
  const endpoint = `teams/${team}/endpoints/${name}`;
  return parseName("endpoint", endpoint) && formatName("endpoint", { team, endpoint: name });
}

function corrupt(endpoint: string, problems: string, cause?: unknown): ControlPlaneError {
  return new ControlPlaneError(
    "INTERNAL",
    `The annotation ${TRAFFIC_ANNOTATION} of the HTTPRoute of ${endpoint} is damaged (${problems}). It is never overwritten: restore it from a copy, or delete the route to start anew without traffic.`,
    { reason: "TRAFFIC_DOCUMENT_CORRUPT", metadata: { endpoint }, cause },
  );
}

function parseAnnotation(endpoint: string, text: string | undefined): TrafficDocument["traffic"] {
  if (text === undefined) throw corrupt(endpoint, "it is missing");
  try {
    return JSON.parse(text) as TrafficDocument["traffic"];
  } catch (error) {
    throw corrupt(endpoint, "it is not JSON", error);
  }
}

/** The document that a route holds. Its weights are those of its last move, which the route's should be: `driftOf` compares. */
export function documentOf(endpoint: string, route: HttpRoute): TrafficDocument {
  if (endpointOfRoute(route) !== endpoint) {
    const place = `${route.metadata.namespace}/${route.metadata.name}`;
    throw failedPrecondition(
      "ROUTE_NOT_OURS",
      `The HTTPRoute ${place} was not made for ${endpoint} by Signalbox, which alone writes the routes of its endpoints: delete it or rename it, or give the endpoint another name.`,
      { endpoint, route: place },
    );
  }
  const traffic = parseAnnotation(endpoint, route.metadata.annotations?.[TRAFFIC_ANNOTATION]);
  const bare = { schema: 1, resourceVersion: resourceVersionOf(route.metadata), traffic } as const;
  // The shape is checked before anything of it is read, with no weights but those that it names.
  const byVersion = (traffic as Partial<TrafficDocument["traffic"]> | null)?.moves?.[0]?.to ?? {};
  const weights = Object.entries(byVersion).map(([version, percent]) => [
    backendName(endpoint, version),
    percent,
  ]);
  const parsed = parseTrafficDocument(endpoint, { ...bare, weights: Object.fromEntries(weights) });
  if (parsed.kind === "document") return parsed.document;
  throw corrupt(endpoint, parsed.problems.join("; "));
}
