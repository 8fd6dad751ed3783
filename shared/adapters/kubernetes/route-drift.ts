// What somebody else changed in a route of ours: where requests go, which the document does not know of.
import type { TrafficDocument, Weights } from "../../domain/traffic.ts";
import type { Placement } from "./placement.ts";
import { type HttpRoute, type RouteRule, rulesOf } from "./route.ts";

/** Backend → weight of a rule, without zeros; a weight that is left out is 1, a backend of another namespace is another backend. */
function weightsOfRule({ backendRefs: refs = [] }: RouteRule): Weights {
  const entries = refs
    .filter(({ weight }) => weight !== 0)
    .map(({ name, namespace, weight = 1 }) => [
      namespace === undefined ? name : `${namespace}/${name}`,
      weight,
    ]);
  return Object.fromEntries(entries) as Weights;
}

const sameWeights = (one: Weights, other: Weights): boolean =>
  Object.keys(one).length === Object.keys(other).length &&
  Object.entries(one).every(([backend, percent]) => other[backend] === percent);

/** Which requests a rule takes and what it does to them. Only what we write or what undoes it: servers add defaults as they like. */
function reachOf({ matches = [], filters = [] }: RouteRule): string {
  const paths = matches.map(({ path, headers, queryParams, method }) => [
    path?.type,
    path?.value,
    headers !== undefined || queryParams !== undefined || method !== undefined,
  ]);
  return JSON.stringify([paths, filters.map(({ type }) => type)]);
}

/** Backend → the most that any rule gives it. */
function weightsOfRules(rules: readonly RouteRule[]): Weights {
  const most = new Map<string, number>();
  for (const [backend, weight] of rules.flatMap((rule) => Object.entries(weightsOfRule(rule))))
    most.set(backend, Math.max(weight, most.get(backend) ?? 0));
  return Object.fromEntries(most);
}

/** Where requests really go, when some rule is not the one that we wrote; undefined when the route is ours as it stands. */
export function driftOf(
  endpoint: string,
  document: TrafficDocument,
  route: HttpRoute,
  placement: Placement,
): Weights | undefined {
  const ours = rulesOf(endpoint, document, placement);
  const found = route.spec?.rules ?? [];
  const isOurs = (rule: RouteRule, at: number): boolean => {
    const written = ours[at];
    if (written === undefined || reachOf(rule) !== reachOf(written)) return false;
    return sameWeights(weightsOfRule(rule), weightsOfRule(written));
  };
  return found.length === ours.length && found.every(isOurs) ? undefined : weightsOfRules(found);
}
