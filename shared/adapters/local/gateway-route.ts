// Which endpoint a request is for, and which backend takes it.
import { RESOURCE_ID } from "../../domain/names.ts";
import { servedVersions, type TrafficDocument } from "../../domain/traffic.ts";

/** The team whose endpoints are also reached without naming it. */
const DEFAULT_TEAM = "default";

/** One weighted backend of an endpoint. */
export interface Choice {
  readonly backend: string;
  readonly version: string;
  /** Percent. */
  readonly weight: number;
}

/** Where an endpoint's requests go. */
export interface Route {
  readonly endpoint: string;
  readonly resourceVersion: number;
  readonly choices: readonly Choice[];
}

/** An endpoint that a path may mean, and the path that its backend sees. */
export interface Destination {
  readonly endpoint: string;
  readonly path: string;
}

/** The route that a document describes. */
export function routeOf(endpoint: string, document: TrafficDocument): Route {
  const choices = [...servedVersions(endpoint, document)].map(([backend, version]) => ({
    backend,
    version,
    weight: document.weights[backend] ?? 0,
  }));
  return { endpoint, resourceVersion: document.resourceVersion, choices };
}

const destination = (team: string, endpoint: string, rest: string): Destination => ({
  endpoint: `teams/${team}/endpoints/${endpoint}`,
  path: rest.startsWith("/") ? rest : `/${rest}`,
});

/**
 * What `/{team}/{endpoint}/…` and, for the default team, `/{endpoint}/…` may mean, the longer form first: a team wins over an
 * endpoint of the default team with the same name. The query stays with the path. Empty when the path names no endpoint.
 */
export function destinations(url: string): readonly Destination[] {
  const query = url.indexOf("?");
  const path = query < 0 ? url : url.slice(0, query);
  const [before, first = "", second = ""] = path.split("/", 3);
  if (before !== "" || !RESOURCE_ID.test(first)) return [];
  const afterFirst = url.slice(1 + first.length);
  const short = destination(DEFAULT_TEAM, first, afterFirst);
  if (!RESOURCE_ID.test(second)) return [short];
  return [destination(first, second, afterFirst.slice(1 + second.length)), short];
}

/**
 * A backend by weight, drawn anew for every request. Drawn, not dealt in turn: with turns, a client whose requests alternate
 * between two kinds would send one kind to each version, and the two could no longer be compared.
 */
export function choose(choices: readonly Choice[], random: () => number): Choice | undefined {
  let left = random() * choices.reduce((total, choice) => total + choice.weight, 0);
  for (const choice of choices) {
    left -= choice.weight;
    if (left < 0) return choice;
  }
  return choices.at(-1);
}
