// Where things of a team are in the cluster. Whoever puts backends there and whoever writes routes use the same names.
import { requireName } from "../../domain/names.ts";
import { requireNamespace } from "./objects.ts";

/** What goes before a team's id in the name of its namespace, unless configured otherwise: no team can be `kube-system`. */
export const TEAM_NAMESPACE_PREFIX = "team-";

/** The label that everything of ours bears, and what stands there. */
export const MANAGED_BY = { label: "app.kubernetes.io/managed-by", value: "signalbox" } as const;
/** The labels that say whose an object is. */
export const TEAM_LABEL = "signalbox.dev/team";
/** The label of an endpoint's objects. */
export const ENDPOINT_LABEL = "signalbox.dev/endpoint";

/** The Gateway that endpoints are reached through. */
export interface GatewayPlace {
  readonly namespace: string;
  readonly name: string;
  /** One listener of it; default: every listener that takes the route. */
  readonly listener?: string;
}

/** How endpoints lie in the cluster. */
export interface Placement {
  /** Default `TEAM_NAMESPACE_PREFIX`. */
  readonly namespacePrefix?: string;
  readonly gateway: GatewayPlace;
  /** Host names that the routes answer to; default: those of the listener. */
  readonly hostnames?: readonly string[];
  /** Port of the Services that backends are. */
  readonly backendPort: number;
}

/** The namespace of a team. */
export function teamNamespace(team: string, prefix = TEAM_NAMESPACE_PREFIX): string {
  return requireNamespace(`${prefix}${team}`);
}

/** Namespace and name of an endpoint's route, and whose it is. */
export function routePlace(endpoint: string, prefix?: string) {
  const { team, endpoint: name } = requireName("endpoint", endpoint, "endpoint");
  return { namespace: teamNamespace(team, prefix), name, team };
}
