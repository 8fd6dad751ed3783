// Reading maps of the source with closed sets of keys, and names.
import type { Span } from "../expressions/expression.ts";
import { NAME_CHARACTERS_MAX } from "../limits.ts";
import type { ProblemList } from "./problem.ts";
import type { ListNode, MapEntry, MapNode, SourceNode } from "./source.ts";
import { suggest } from "./suggest.ts";
import type { NameTree } from "./tree.ts";

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const RESERVED = new Set([
  "true",
  "True",
  "TRUE",
  "false",
  "False",
  "FALSE",
  "null",
  "and",
  "AND",
  "or",
  "OR",
  "not",
  "NOT",
  "in",
]);

/** The entries of a map by key; undefined with a problem when the node is no map. Keys outside `allowed` are problems. */
export function readFields(
  node: SourceNode,
  what: string,
  allowed: readonly string[],
  problems: ProblemList,
): Map<string, MapEntry> | undefined {
  const map = expectMap(node, what, problems);
  if (map === undefined) return undefined;
  const fields = new Map<string, MapEntry>();
  for (const entry of map.entries) {
    if (allowed.includes(entry.key)) fields.set(entry.key, entry);
    else
      problems.error(
        entry.keySpan,
        "unknown-key",
        `${what} has no key ${JSON.stringify(entry.key)}`,
        suggest(entry.key, allowed),
      );
  }
  return fields;
}

/** The node as a map, or undefined with a problem. */
export function expectMap(node: SourceNode, what: string, problems: ProblemList): MapNode | undefined {
  if (node.kind === "map") return node;
  problems.error(
    node.span,
    "wrong-shape",
    `${what} must be a map`,
    "write key: value pairs, indented below it",
  );
  return undefined;
}

/** The node as a list with `min` to `max` items, or undefined with a problem. */
export function expectList(
  node: SourceNode,
  what: string,
  min: number,
  max: number,
  problems: ProblemList,
): ListNode | undefined {
  if (node.kind !== "list") {
    problems.error(node.span, "wrong-shape", `${what} must be a list`, "start each item with a dash");
    return undefined;
  }
  if (node.items.length < min || node.items.length > max) {
    const bounds = max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
    problems.error(
      node.span,
      "list-size",
      `${what} has ${node.items.length} items; ${bounds} are allowed`,
      "split it into several steps",
    );
  }
  return node;
}

/** The one entry of a one-key map, or undefined with a problem. */
export function expectSingle(node: SourceNode, what: string, problems: ProblemList): MapEntry | undefined {
  const map = expectMap(node, what, problems);
  if (map === undefined) return undefined;
  const [entry, extra] = map.entries;
  if (entry === undefined || extra !== undefined) {
    problems.error(
      extra?.keySpan ?? map.span,
      "single-key",
      `${what} must have exactly one key, not ${map.entries.length}`,
      "check the indentation below it",
    );
  }
  return entry;
}

/** Text, or undefined with a problem. */
export function expectText(node: SourceNode, what: string, problems: ProblemList): string | undefined {
  if (node.kind === "scalar" && typeof node.value === "string" && node.value !== "") return node.value;
  problems.error(node.span, "wrong-shape", `${what} must be text`, "write a name");
  return undefined;
}

/** The name of a variable, or undefined with a problem. */
export function expectVariable(node: SourceNode, what: string, problems: ProblemList): NameTree | undefined {
  const name = expectText(node, what, problems);
  if (name === undefined) return undefined;
  return isVariableName(name, node.span, what, problems) ? { name, span: node.span } : undefined;
}

/** Whether a text may name a variable; a problem when not. */
export function isVariableName(name: string, span: Span, what: string, problems: ProblemList): boolean {
  if (!IDENTIFIER.test(name)) {
    problems.error(
      span,
      "variable-name",
      `${what} ${JSON.stringify(name)} is no variable name`,
      "use letters, digits and _, not starting with a digit",
    );
    return false;
  }
  if (RESERVED.has(name)) {
    problems.error(
      span,
      "reserved-name",
      `${what} ${JSON.stringify(name)} is a reserved word`,
      "choose another name",
    );
    return false;
  }
  return isNameLength(name, span, what, problems);
}

/** Whether a name is short enough; a problem when not. */
export function isNameLength(name: string, span: Span, what: string, problems: ProblemList): boolean {
  if (name.length <= NAME_CHARACTERS_MAX) return true;
  problems.error(
    span,
    "name-length",
    `${what} has ${name.length} characters; at most ${NAME_CHARACTERS_MAX} are allowed`,
    "shorten it",
  );
  return false;
}

/** The target of a jump. */
export function parseNext(node: SourceNode, problems: ProblemList): NameTree | undefined {
  const text =
    node.kind === "scalar" && node.value !== null
      ? typeof node.value === "string"
        ? node.value
        : node.raw
      : undefined;
  if (text === undefined || text === "") {
    problems.error(
      node.span,
      "wrong-shape",
      "next must name a step, end, break or continue",
      "write the name of a step",
    );
    return undefined;
  }
  return { name: text, span: node.span };
}
