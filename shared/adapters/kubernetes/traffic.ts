// Traffic documents in HTTPRoutes: weights and annotation in one write, by compare-and-set on the route's resourceVersion.
// A move is one GET and one PATCH, so that an identity that may do nothing else can roll back.
import { invalidArgument } from "../../domain/errors.ts";
import { parseTrafficDocument } from "../../domain/traffic-document.ts";
import { type TrafficDocument, type Weights, withoutDrift } from "../../domain/traffic.ts";
import type { Traffic } from "../../ports/traffic.ts";
import type { KubernetesClient } from "./client.ts";
import { collectionPath, HTTP_ROUTES, objectPath } from "./objects.ts";
import { MANAGED_BY, type Placement, routePlace, TEAM_LABEL, TEAM_NAMESPACE_PREFIX } from "./placement.ts";
import {
  documentOf,
  endpointOfRoute,
  type HttpRoute,
  newRoute,
  resourceVersionOf,
  routeChange,
} from "./route.ts";
import { driftOf } from "./route-drift.ts";

/** A route that somebody else has changed: where requests go, or which. */
export interface Drift {
  readonly endpoint: string;
  /** Backend → percent, as our last move left them. */
  readonly expected: Weights;
  /** Backend → the most that any rule of the route gives it. */
  readonly found: Weights;
}

/** What the adapter is made of. */
export interface KubernetesTrafficOptions {
  readonly client: KubernetesClient;
  readonly placement: Placement;
  /**
   * Told at every read of a route whose rules are not ours. Nothing is put right behind a person's back: the next write is
   * ours, rules and all. It must not throw.
   */
  readonly drifted: (drift: Drift) => void;
}

function requireDocument(endpoint: string, document: TrafficDocument): void {
  const parsed = parseTrafficDocument(endpoint, document);
  if (parsed.kind === "document") return;
  throw invalidArgument(
    "document",
    `The traffic document for ${endpoint} breaks a rule: ${parsed.problems.join("; ")}.`,
    "INVALID_TRAFFIC_DOCUMENT",
  );
}

/** Another installation in the same cluster, told by its prefix, has its routes in other namespaces. */
const isOfThisInstallation = ({ metadata }: HttpRoute, prefix = TEAM_NAMESPACE_PREFIX): boolean =>
  metadata.namespace === `${prefix}${metadata.labels?.[TEAM_LABEL] ?? ""}`;

/** Traffic documents in the cluster. */
export function createTraffic({ client, placement, drifted }: KubernetesTrafficOptions): Traffic {
  const { namespacePrefix } = placement;

  async function create(endpoint: string, document: TrafficDocument): ReturnType<Traffic["write"]> {
    const { namespace } = routePlace(endpoint, namespacePrefix);
    const path = collectionPath(HTTP_ROUTES, namespace);
    const result = await client.create(path, newRoute(endpoint, document, placement));
    if (result.kind === "exists") return { kind: "conflict" };
    const resourceVersion = resourceVersionOf(result.object.metadata);
    return { kind: "written", document: { ...document, resourceVersion } };
  }

  return {
    async read(endpoint) {
      const { namespace, name } = routePlace(endpoint, namespacePrefix);
      const route = await client.get<HttpRoute>(objectPath(HTTP_ROUTES, namespace, name));
      if (route === undefined) return undefined;
      const document = documentOf(endpoint, route);
      const found = driftOf(endpoint, document, route, placement);
      if (found === undefined) return document;
      drifted({ endpoint, expected: document.weights, found });
      return { ...document, drift: found };
    },
    async write(endpoint, given) {
      const document = withoutDrift(given);
      const { namespace, name } = routePlace(endpoint, namespacePrefix);
      requireDocument(endpoint, document);
      if (document.resourceVersion === 0) return create(endpoint, document);
      const { annotations, rules } = routeChange(endpoint, document, placement);
      const metadata = { resourceVersion: String(document.resourceVersion), annotations };
      const path = objectPath(HTTP_ROUTES, namespace, name);
      const result = await client.patch<HttpRoute>(path, { metadata, spec: { rules } });
      if (result.kind !== "written") return { kind: "conflict" };
      const resourceVersion = resourceVersionOf(result.object.metadata);
      return { kind: "written", document: { ...document, resourceVersion } };
    },
    async list() {
      const labels = `${MANAGED_BY.label}=${MANAGED_BY.value}`;
      const routes = await client.list<HttpRoute>(collectionPath(HTTP_ROUTES), labels);
      return routes
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .filter((route) => isOfThisInstallation(route, namespacePrefix))
        .map(endpointOfRoute)
        .filter((endpoint) => endpoint !== undefined)
        .toSorted();
    },
  };
}
