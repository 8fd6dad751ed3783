// Lists of steps and the body of one step.
import type { Expression, Place, Span } from "../expressions/expression.ts";
import { ASSIGNMENTS_MAX } from "../limits.ts";
import { parseFor, parseParallel, parseSwitch, parseTry, type StepReader } from "./blocks.ts";
import {
  expectList,
  expectMap,
  expectSingle,
  expectText,
  expectVariable,
  isNameLength,
  isVariableName,
  parseNext,
  readFields,
} from "./fields.ts";
import type { ProblemList } from "./problem.ts";
import type { MapEntry, SourceNode } from "./source.ts";
import type { ActionTree, AssignmentTree, StepTree } from "./tree.ts";
import { parseText, parseValue } from "./value.ts";

const OPERATIONS = [
  "assign",
  "call",
  "switch",
  "for",
  "parallel",
  "try",
  "raise",
  "return",
  "steps",
] as const;
const KEYS = [
  "assign",
  "call",
  "args",
  "result",
  "next",
  "switch",
  "for",
  "parallel",
  "raise",
  "try",
  "retry",
  "except",
  "return",
  "steps",
];
/** Keys that only have a meaning beside another one. */
const NEEDS: Record<string, string> = { args: "call", result: "call", retry: "try", except: "try" };
const JUMP_WORDS = new Set(["end", "break", "continue"]);

/** The steps of a list of one-key maps. */
export function parseSteps(node: SourceNode, what: string, problems: ProblemList): StepTree[] {
  const list = expectList(node, what, 1, Number.POSITIVE_INFINITY, problems);
  const steps: StepTree[] = [];
  for (const item of list?.items ?? []) {
    const entry = expectSingle(item, "a step", problems);
    if (entry === undefined) continue;
    isNameLength(entry.key, entry.keySpan, "the step name", problems);
    if (JUMP_WORDS.has(entry.key)) {
      problems.error(
        entry.keySpan,
        "reserved-name",
        `${entry.key} cannot name a step`,
        "next: end, break and continue have their own meaning",
      );
    }
    steps.push(parseStep(entry.key, entry.keySpan, entry.value, false, problems));
  }
  return steps;
}

function createStepReader(problems: ProblemList): StepReader {
  return {
    problems,
    steps: (node, what) => parseSteps(node, what, problems),
    body: (name, span, node) => parseStep(name, span, node, true, problems),
  };
}

/** The body of a step; `anonymous` for that of a switch case or of a bare try. */
function parseStep(
  name: string,
  span: Span,
  body: SourceNode,
  anonymous: boolean,
  problems: ProblemList,
): StepTree {
  const what = anonymous ? `this part of step ${JSON.stringify(name)}` : `step ${JSON.stringify(name)}`;
  const fields = readFields(body, what, KEYS, problems) ?? new Map<string, MapEntry>();
  const operations = OPERATIONS.filter((key) => fields.has(key));
  if (operations.length > 1) {
    const second = fields.get(operations[1] as string) as MapEntry;
    problems.error(
      second.keySpan,
      "several-operations",
      `${what} has ${operations.join(" and ")}`,
      "make each a step of its own",
    );
  }
  for (const [key, needed] of Object.entries(NEEDS)) {
    const entry = fields.get(key);
    if (entry !== undefined && !fields.has(needed)) {
      problems.error(
        entry.keySpan,
        "misplaced-key",
        `${key} stands without ${needed}`,
        `add ${needed}: or remove ${key}:`,
      );
    }
  }
  const nextEntry = fields.get("next");
  if (operations.length === 0 && nextEntry === undefined && body.kind === "map") {
    problems.error(span, "empty-step", `${what} does nothing`, `add one of ${OPERATIONS.join(", ")} or next`);
  }
  const action = parseAction(operations[0], name, fields, problems);
  if (nextEntry !== undefined && (action.kind === "return" || action.kind === "raise")) {
    problems.warn(
      nextEntry.keySpan,
      "unreachable-next",
      `next is never reached after ${action.kind}`,
      "remove it",
    );
  }
  const next = nextEntry === undefined ? undefined : parseNext(nextEntry.value, problems);
  return { name, span, anonymous, action, ...(next === undefined ? {} : { next }) };
}

function parseAction(
  operation: (typeof OPERATIONS)[number] | undefined,
  name: string,
  fields: ReadonlyMap<string, MapEntry>,
  problems: ProblemList,
): ActionTree {
  if (operation === undefined) return { kind: "none" };
  const { value, keySpan } = fields.get(operation) as MapEntry;
  const reader = createStepReader(problems);
  switch (operation) {
    case "assign":
      return { kind: "assign", assignments: parseAssign(value, problems) };
    case "call":
      return parseCall(value, fields, problems);
    case "switch":
      return { kind: "switch", cases: parseSwitch(name, value, reader) };
    case "for": {
      const loop = parseFor(value, keySpan, reader);
      return loop === undefined ? { kind: "none" } : { kind: "for", loop };
    }
    case "parallel":
      return parseParallel(value, keySpan, reader);
    case "try":
      return parseTry(name, value, fields.get("retry"), fields.get("except"), reader);
    case "raise":
      return { kind: "raise", value: parseValue(value, problems) };
    case "return":
      return { kind: "return", value: parseValue(value, problems) };
    default:
      return { kind: "steps", steps: parseSteps(value, `steps of ${JSON.stringify(name)}`, problems) };
  }
}

function parseAssign(node: SourceNode, problems: ProblemList): AssignmentTree[] {
  const list = expectList(node, "assign", 1, ASSIGNMENTS_MAX, problems);
  const assignments: AssignmentTree[] = [];
  for (const item of list?.items ?? []) {
    const entry = expectSingle(item, "an assignment", problems);
    if (entry === undefined) continue;
    const value = parseValue(entry.value, problems);
    const target = parseTarget(entry, problems);
    if (target !== undefined) assignments.push({ ...target, value });
  }
  return assignments;
}

/** A target: a variable followed by any of `.key`, `["key"]` and `[expression]`. */
function parseTarget(
  { key, keySpan, keyRaw }: MapEntry,
  problems: ProblemList,
): Pick<AssignmentTree, "variable" | "path"> | undefined {
  const simple = /^[A-Za-z_]\w*$/.test(key);
  if (simple)
    return isVariableName(key, keySpan, "the target", problems)
      ? { variable: { name: key, span: keySpan }, path: [] }
      : undefined;
  const place: Place = { span: keySpan, raw: keyRaw, text: key, opening: "" };
  const parsed = parseText(place, problems);
  if (parsed === undefined) return undefined;
  const path: Expression[] = [];
  let expression = parsed.kind === "embedded" ? parsed.expression : parsed;
  for (;;) {
    if (expression.kind === "member") {
      path.unshift({ kind: "literal", value: expression.key });
      expression = expression.object;
    } else if (expression.kind === "index") {
      const { index } = expression;
      path.unshift(index.kind === "literal" ? index : { kind: "embedded", expression: index, place });
      expression = expression.object;
    } else break;
  }
  if (expression.kind !== "variable" || path.length === 0) {
    problems.error(
      keySpan,
      "assign-target",
      `${JSON.stringify(key)} cannot be assigned`,
      'write a variable name, with .key, ["key"] or [index] behind it',
    );
    return undefined;
  }
  return { variable: { name: expression.name, span: keySpan }, path };
}

function parseCall(
  node: SourceNode,
  fields: ReadonlyMap<string, MapEntry>,
  problems: ProblemList,
): ActionTree {
  const name = expectText(node, "call", problems);
  const args = parseArguments(fields.get("args")?.value, problems);
  const resultEntry = fields.get("result");
  const result =
    resultEntry === undefined ? undefined : expectVariable(resultEntry.value, "result", problems);
  if (name === undefined) return { kind: "none" };
  if (name.includes("${")) {
    problems.error(
      node.span,
      "dynamic-call",
      "call must be a fixed name, not an expression",
      "choose between calls with a switch",
    );
    return { kind: "none" };
  }
  return {
    kind: "call",
    callee: { name, span: node.span },
    ...args,
    ...(result === undefined ? {} : { result }),
  };
}

/** `args`: a map by name, or a list in the order of the parameters. */
function parseArguments(
  node: SourceNode | undefined,
  problems: ProblemList,
): Pick<ActionTree & { kind: "call" }, "args" | "positional"> {
  if (node === undefined || (node.kind === "scalar" && node.value === null)) return { args: [] };
  if (node.kind === "list") {
    return { args: [], positional: node.items.map((item) => parseValue(item, problems)) };
  }
  const map = expectMap(node, "args", problems);
  const args = (map?.entries ?? []).map(
    ({ key, keySpan, value }) => [{ name: key, span: keySpan }, parseValue(value, problems)] as const,
  );
  return { args };
}
