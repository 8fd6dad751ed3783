// Names of operations: what a generated client calls its functions. They follow from method and path, so they stay.

const upperFirst = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
const words = (text: string): string => text.replaceAll(/([A-Z])/g, " $1").toLowerCase();
const parameterOf = (segment: string): string | undefined => /^\{(\w+)\}$/.exec(segment)?.[1];

/** An operation as clients and readers name it. */
export interface OperationName {
  /** Unique in the document, such as `listTeamEndpoints`. */
  readonly operationId: string;
  /** A few words, such as `List the endpoints of a team`. */
  readonly summary: string;
  /** The group it is shown in: the first collection of its path that is no parent of others, such as `endpoints`. */
  readonly tag: string;
}

/** Names of the operation `method` of a templated path. */
export function operationName(method: string, path: string): OperationName {
  const [resource = "", verb] = path.replace(/^\/(?:v1\/)?/, "").split(":", 2);
  const segments = resource.split("/");
  const last = segments.at(-1) ?? "";
  const named = parameterOf(last);
  const parents = segments.slice(0, -1).flatMap((segment) => parameterOf(segment) ?? []);
  const of = parents.length === 0 ? "" : ` of a ${words(parents.at(-1) ?? "")}`;
  const suffix = parents.map(upperFirst).join("");
  const plain = segments.filter((segment) => parameterOf(segment) === undefined);
  const tag = (segments[0] === "teams" ? plain[1] : plain[0]) ?? "service";
  const thing = named ?? last.replaceAll(/\W(\w)/g, (_, letter: string) => letter.toUpperCase());
  if (verb !== undefined) {
    const operationId = `${verb}${suffix}${upperFirst(thing)}`;
    return { operationId, summary: `${upperFirst(words(verb))}: ${words(thing)}${of}`, tag };
  }
  if (named !== undefined) {
    const summary = `${upperFirst(method)} one ${words(named)}${of}`;
    return { operationId: `${method}${suffix}${upperFirst(named)}`, summary, tag };
  }
  const [start, article] = method === "get" ? ["list", " the"] : ["create", " one of the"];
  if (!path.startsWith("/v1/"))
    return { operationId: lowerFirst(thing), summary: upperFirst(thing), tag: "service" };
  return {
    operationId: `${start}${suffix}${upperFirst(thing)}`,
    summary: `${upperFirst(start)}${article} ${words(thing)}${of}`,
    tag,
  };
}
