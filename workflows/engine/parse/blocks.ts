// The steps that hold other steps: switch, for, parallel and try.
import type { Span } from "../expressions/expression.ts";
import { BRANCHES_MAX, BRANCHES_MIN, CASES_MAX } from "../limits.ts";
import {
  expectList,
  expectMap,
  expectSingle,
  expectVariable,
  isNameLength,
  parseNext,
  readFields,
} from "./fields.ts";
import type { ProblemList } from "./problem.ts";
import type { MapEntry, SourceNode } from "./source.ts";
import type { ActionTree, CaseTree, LoopTree, NameTree, RetryTree, StepTree } from "./tree.ts";
import { isExpressionText, parseValue } from "./value.ts";

/** How blocks read the steps inside them; handed in, because steps hold blocks and blocks hold steps. */
export interface StepReader {
  readonly problems: ProblemList;
  /** A list of steps; `what` names it in problems. */
  steps(node: SourceNode, what: string): StepTree[];
  /** A body that stands without a name of its own. */
  body(name: string, span: Span, node: SourceNode): StepTree;
}

/** The cases of a switch; everything but `condition` and `next` is the body of the case. */
export function parseSwitch(name: string, node: SourceNode, reader: StepReader): CaseTree[] {
  const { problems } = reader;
  const list = expectList(node, "switch", 1, CASES_MAX, problems);
  const cases: CaseTree[] = [];
  for (const item of list?.items ?? []) {
    const map = expectMap(item, "a case", problems);
    if (map === undefined) continue;
    const condition = map.entries.find(({ key }) => key === "condition");
    if (condition === undefined) {
      problems.error(
        item.span,
        "missing-condition",
        "a case has no condition",
        "add condition: ${...}, or condition: true for the rest",
      );
      continue;
    }
    if (map.entries.length === 1) {
      problems.error(
        item.span,
        "empty-case",
        "a case has a condition but does nothing",
        "add next: or a body",
      );
    }
    const next = map.entries.find(({ key }) => key === "next");
    const rest = map.entries.filter(({ key }) => key !== "next" && key !== "condition");
    const target = next === undefined ? undefined : parseNext(next.value, problems);
    const body = rest.length === 0 ? undefined : reader.body(name, item.span, { ...map, entries: rest });
    cases.push({
      span: condition.value.span,
      condition: parseValue(condition.value, problems),
      ...(body === undefined ? {} : { body }),
      ...(target === undefined ? {} : { next: target }),
    });
  }
  return cases;
}

/** A for, sequential or inside parallel; undefined after a problem with its shape. */
export function parseFor(node: SourceNode, span: Span, reader: StepReader): LoopTree | undefined {
  const { problems } = reader;
  const fields = readFields(node, "for", ["value", "index", "in", "range", "steps"], problems);
  if (fields === undefined) return undefined;
  const [value, index, range, list, steps] = ["value", "index", "range", "in", "steps"].map((key) =>
    fields.get(key),
  );
  if ((range === undefined) === (list === undefined)) {
    problems.error(
      span,
      "for-collection",
      `for needs exactly one of in and range; it has ${range === undefined ? "none" : "both"}`,
      "write in: ${list} or range: [first, last]",
    );
  }
  if (value === undefined)
    problems.error(span, "for-value", "for has no value", "add value: with the name of the loop variable");
  if (steps === undefined)
    problems.error(span, "missing-steps", "for has no steps", "add steps: with at least one step");
  if (range?.value.kind === "list") expectList(range.value, "range", 2, 2, problems);
  const valueName =
    value === undefined ? undefined : expectVariable(value.value, "the loop variable", problems);
  const indexName =
    index === undefined ? undefined : expectVariable(index.value, "the index variable", problems);
  const body = steps === undefined ? [] : reader.steps(steps.value, "steps of for");
  const collection = range ?? list;
  if (collection === undefined || valueName === undefined) return undefined;
  if (
    collection.value.kind === "map" ||
    (collection.value.kind === "scalar" && !isExpressionText(String(collection.value.value)))
  ) {
    problems.error(
      collection.value.span,
      "for-collection",
      `${collection.key} must be a list or an expression`,
      "iterate over the keys of a map with in: ${keys(map)}",
    );
  }
  return {
    span,
    value: valueName,
    ...(indexName === undefined ? {} : { index: indexName }),
    over: range === undefined ? "in" : "range",
    collection: parseValue(collection.value, problems),
    steps: body,
  };
}

/** A parallel step with branches or a for. */
export function parseParallel(node: SourceNode, span: Span, reader: StepReader): ActionTree {
  const { problems } = reader;
  const fields = readFields(
    node,
    "parallel",
    ["shared", "concurrency_limit", "exception_policy", "branches", "for"],
    problems,
  );
  if (fields === undefined) return { kind: "none" };
  const [branchesEntry, forEntry, sharedEntry, limitEntry, policy] = [
    "branches",
    "for",
    "shared",
    "concurrency_limit",
    "exception_policy",
  ].map((key) => fields.get(key));
  if ((branchesEntry === undefined) === (forEntry === undefined)) {
    problems.error(
      span,
      "parallel-shape",
      `parallel needs exactly one of branches and for; it has ${forEntry === undefined ? "none" : "both"}`,
      "keep one of them",
    );
  }
  if (policy !== undefined && (policy.value.kind !== "scalar" || policy.value.value !== "continueAll")) {
    problems.error(
      policy.value.span,
      "exception-policy",
      "exception_policy must be continueAll",
      "remove the line; continueAll is the default",
    );
  }
  const shared: NameTree[] = [];
  const sharedList =
    sharedEntry === undefined
      ? undefined
      : expectList(sharedEntry.value, "shared", 1, Number.POSITIVE_INFINITY, problems);
  for (const item of sharedList?.items ?? []) {
    const name = expectVariable(item, "the shared variable", problems);
    if (name !== undefined) shared.push(name);
  }
  const limit = limitEntry === undefined ? undefined : parseValue(limitEntry.value, problems);
  if (
    limitEntry !== undefined &&
    limit?.kind === "literal" &&
    !(typeof limit.value === "bigint" && limit.value > 0n)
  ) {
    problems.error(
      limitEntry.value.span,
      "concurrency-limit",
      "concurrency_limit must be a positive integer",
      "write a number from 1 to 20",
    );
  }
  const loop = forEntry === undefined ? undefined : parseFor(forEntry.value, forEntry.keySpan, reader);
  return {
    kind: "parallel",
    span,
    shared,
    ...(limit === undefined ? {} : { limit }),
    ...(branchesEntry === undefined ? {} : { branches: parseBranches(branchesEntry.value, reader) }),
    ...(loop === undefined ? {} : { loop }),
  };
}

function parseBranches(node: SourceNode, reader: StepReader): { name: NameTree; steps: StepTree[] }[] {
  const { problems } = reader;
  const list = expectList(node, "branches", BRANCHES_MIN, BRANCHES_MAX, problems);
  const branches: { name: NameTree; steps: StepTree[] }[] = [];
  for (const item of list?.items ?? []) {
    const entry = expectSingle(item, "a branch", problems);
    if (entry === undefined) continue;
    isNameLength(entry.key, entry.keySpan, "the branch name", problems);
    if (branches.some(({ name }) => name.name === entry.key)) {
      problems.error(
        entry.keySpan,
        "duplicate-branch",
        `the branch ${entry.key} stands twice`,
        "give each branch its own name",
      );
    }
    const steps = readFields(entry.value, `branch ${JSON.stringify(entry.key)}`, ["steps"], problems)?.get(
      "steps",
    );
    if (steps === undefined) {
      problems.error(
        entry.keySpan,
        "missing-steps",
        `branch ${JSON.stringify(entry.key)} has no steps`,
        "add steps: with at least one step",
      );
      continue;
    }
    branches.push({
      name: { name: entry.key, span: entry.keySpan },
      steps: reader.steps(steps.value, "steps of a branch"),
    });
  }
  return branches;
}

/** A try with its retry and except. */
export function parseTry(
  name: string,
  node: SourceNode,
  retryEntry: MapEntry | undefined,
  exceptEntry: MapEntry | undefined,
  reader: StepReader,
): ActionTree {
  const { problems } = reader;
  if (retryEntry === undefined && exceptEntry === undefined) {
    problems.error(
      node.span,
      "try-alone",
      `step ${JSON.stringify(name)} has try without retry or except`,
      "add retry: or except:",
    );
  }
  if (node.kind === "map" && node.entries.some(({ key }) => key === "for")) {
    problems.warn(
      node.span,
      "for-in-try",
      "production refuses a for directly inside try (loop step name should not be empty)",
      "wrap it in steps: with a named step",
    );
  }
  const steps = node.kind === "list" ? reader.steps(node, "try") : [reader.body(name, node.span, node)];
  const retry = retryEntry === undefined ? undefined : parseRetry(retryEntry, problems);
  const except = exceptEntry === undefined ? undefined : parseExcept(exceptEntry, reader);
  return {
    kind: "try",
    steps,
    ...(retry === undefined ? {} : { retry }),
    ...(except === undefined ? {} : { except }),
  };
}

function parseRetry({ keySpan: span, value: node }: MapEntry, problems: ProblemList): RetryTree | undefined {
  if (node.kind === "scalar") {
    if (typeof node.value === "string" && isExpressionText(node.value))
      return { span, named: parseValue(node, problems) };
    problems.error(
      node.span,
      "retry-policy",
      "retry must be a policy or a map",
      "write ${http.default_retry}, or predicate, max_retries and backoff",
    );
    return undefined;
  }
  const fields = readFields(node, "retry", ["predicate", "max_retries", "backoff"], problems);
  const backoff = fields?.get("backoff");
  if (backoff?.value.kind === "map")
    readFields(backoff.value, "backoff", ["initial_delay", "max_delay", "multiplier"], problems);
  const [predicate, maxRetries, delays] = ["predicate", "max_retries", "backoff"].map((key) => {
    const entry = fields?.get(key);
    return entry === undefined ? undefined : parseValue(entry.value, problems);
  });
  return {
    span,
    ...(predicate === undefined ? {} : { predicate }),
    ...(maxRetries === undefined ? {} : { maxRetries }),
    ...(delays === undefined ? {} : { backoff: delays }),
  };
}

function parseExcept(
  { keySpan, value }: MapEntry,
  reader: StepReader,
): { as?: NameTree; steps: StepTree[] } | undefined {
  const { problems } = reader;
  const fields = readFields(value, "except", ["as", "steps"], problems);
  if (fields === undefined) return undefined;
  const [asEntry, stepsEntry] = [fields.get("as"), fields.get("steps")];
  const as =
    asEntry === undefined ? undefined : expectVariable(asEntry.value, "the error variable", problems);
  if (stepsEntry === undefined) {
    problems.error(keySpan, "missing-steps", "except has no steps", "add steps: with at least one step");
    return undefined;
  }
  return { ...(as === undefined ? {} : { as }), steps: reader.steps(stepsEntry.value, "steps of except") };
}
