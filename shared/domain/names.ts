// Resource names after AIP-122: alternating collection and id, lower case, used as keys everywhere.
import { invalidArgument } from "./errors.ts";

/** One id inside a resource name: a DNS label. No Unicode, so that no two names look alike. */
export const RESOURCE_ID = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A version id: the caller's own, or the next integer. */
export const VERSION_ID = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The patterns of all resource names, by kind. */
export const NAME_PATTERNS = {
  apply: "stacks/{stack}/applies/{apply}",
  dataset: "teams/{team}/datasets/{dataset}",
  datasetVersion: "teams/{team}/datasets/{dataset}/versions/{version}",
  deadLetter: "deadLetters/{deadLetter}",
  delivery: "deliveries/{delivery}",
  endpoint: "teams/{team}/endpoints/{endpoint}",
  head: "heads/{head}",
  model: "teams/{team}/models/{model}",
  modelVersion: "teams/{team}/models/{model}/versions/{version}",
  operation: "teams/{team}/endpoints/{endpoint}/operations/{operation}",
  plan: "stacks/{stack}/plans/{plan}",
  rollout: "teams/{team}/endpoints/{endpoint}/rollouts/{rollout}",
  run: "teams/{team}/runs/{run}",
  stack: "stacks/{stack}",
} as const;

/** A kind of resource. */
export type NameKind = keyof typeof NAME_PATTERNS;

type Ids<Pattern extends string> = Pattern extends `${string}{${infer Id}}${infer Rest}`
  ? Id | Ids<Rest>
  : never;

/** The ids inside a name of this kind. */
export type NameIds<Kind extends NameKind> = Readonly<Record<Ids<(typeof NAME_PATTERNS)[Kind]>, string>>;

const NUMBERED: ReadonlySet<string> = new Set([
  "version",
  "delivery",
  "plan",
  "apply",
  "rollout",
  "run",
  "head",
]);

/** The rule for ids of this part of a name, such as `team`. */
export const idPattern = (key: string): RegExp => (NUMBERED.has(key) ? VERSION_ID : RESOURCE_ID);

/** In a list's path: whatever is there, in this place and all after it (AIP-159). */
export const WILDCARD = "-";

/** The same pattern, or the wildcard. */
export const orWildcard = (pattern: string): string => `^${WILDCARD}$|${pattern}`;

/** What `idPattern` asks for, in words. */
export const ID_RULE = "use 1 to 63 lower-case letters, digits and dashes";

/** In words what a pattern of ids asks for; undefined when it is none of ours. */
export function idRule(pattern: string): string | undefined {
  const sources = [RESOURCE_ID.source, VERSION_ID.source];
  if (sources.includes(pattern)) return ID_RULE;
  return sources.map(orWildcard).includes(pattern) ? `${ID_RULE}, or \`${WILDCARD}\` for all` : undefined;
}

const isId = (key: string, value: string): boolean => idPattern(key).test(value);

/** Keys of the ids inside a pattern, in their order. */
export const idKeys = (kind: NameKind): readonly string[] =>
  [...NAME_PATTERNS[kind].matchAll(/\{(\w+)\}/g)].map(([, key = ""]) => key);

/** Builds a name; refuses ids that are not allowed, naming the id and the rule. */
export function formatName<Kind extends NameKind>(kind: Kind, ids: NameIds<Kind>): string {
  return NAME_PATTERNS[kind].replace(/\{(\w+)\}/g, (_, key: string) => {
    const value = (ids as Record<string, string>)[key] ?? "";
    if (!isId(key, value)) {
      throw invalidArgument(
        key,
        `${JSON.stringify(value.slice(0, 80))} is not an allowed ${key} id: ${ID_RULE}.`,
        "INVALID_NAME",
      );
    }
    return value;
  });
}

/** Takes a name apart, or answers undefined when it is not a name of this kind. */
export function parseName<Kind extends NameKind>(kind: Kind, name: string): NameIds<Kind> | undefined {
  const pattern = NAME_PATTERNS[kind].split("/");
  const parts = name.split("/");
  if (parts.length !== pattern.length) return undefined;
  const ids: Record<string, string> = {};
  for (const [index, segment] of pattern.entries()) {
    const part = parts[index] ?? "";
    const key = segment.startsWith("{") ? segment.slice(1, -1) : undefined;
    if (key === undefined ? part !== segment : !isId(key, part)) return undefined;
    if (key !== undefined) ids[key] = part;
  }
  return ids as NameIds<Kind>;
}

/** Takes a name apart or refuses it, naming the field that held it. */
export function requireName<Kind extends NameKind>(kind: Kind, name: string, field: string): NameIds<Kind> {
  const ids = parseName(kind, name);
  if (ids === undefined) {
    throw invalidArgument(
      field,
      `${field} is ${JSON.stringify(name.slice(0, 200))}, which is not a ${kind} name: write it as ${NAME_PATTERNS[kind]}.`,
      "INVALID_NAME",
    );
  }
  return ids;
}

/** The name without its last collection and id: the parent resource. */
export function parentName(name: string): string {
  return name.split("/").slice(0, -2).join("/");
}

/** The last id of a name. */
export function lastId(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
