// A file into routines: the list form, or a map with `main` and subworkflows.
import { PARAMS_MAX } from "../limits.ts";
import { expectList, expectSingle, isNameLength, isVariableName, readFields } from "./fields.ts";
import type { ProblemList } from "./problem.ts";
import { readSource, type MapEntry, type SourceNode } from "./source.ts";
import { parseSteps } from "./steps.ts";
import type { ParamTree, RoutineTree, WorkflowTree } from "./tree.ts";
import { parseValue } from "./value.ts";

/** Parses a whole source; undefined when it has no shape at all. Problems of shape go to the list. */
export function parseWorkflow(source: string, problems: ProblemList): WorkflowTree | undefined {
  const root = readSource(source, problems);
  if (root === undefined) return undefined;
  if (root.kind === "list") {
    return {
      routines: [
        { name: "main", span: root.span, params: [], steps: parseSteps(root, "the workflow", problems) },
      ],
    };
  }
  if (root.kind === "scalar") {
    problems.error(
      root.span,
      "wrong-shape",
      "the workflow is neither a list of steps nor a map of routines",
      "write a list of steps, or a map with main",
    );
    return undefined;
  }
  const map = root;
  if (!map.entries.some(({ key }) => key === "main")) {
    problems.error(
      map.span,
      "missing-main",
      "the workflow has no main routine",
      "add main: with steps:, or write a bare list of steps",
    );
  }
  return { routines: map.entries.map((entry) => parseRoutine(entry, problems)) };
}

function parseRoutine({ key: name, keySpan: span, value }: MapEntry, problems: ProblemList): RoutineTree {
  isVariableName(name, span, "the routine", problems);
  const fields = readFields(value, `routine ${JSON.stringify(name)}`, ["params", "steps"], problems);
  const stepsEntry = fields?.get("steps");
  if (fields !== undefined && stepsEntry === undefined) {
    problems.error(
      span,
      "missing-steps",
      `routine ${JSON.stringify(name)} has no steps`,
      "add steps: with at least one step",
    );
  }
  const paramsEntry = fields?.get("params");
  return {
    name,
    span,
    params: paramsEntry === undefined ? [] : parseParams(name, paramsEntry.value, problems),
    steps: stepsEntry === undefined ? [] : parseSteps(stepsEntry.value, `steps of ${name}`, problems),
  };
}

function parseParams(routine: string, node: SourceNode, problems: ProblemList): ParamTree[] {
  const list = expectList(node, `params of ${routine}`, 0, routine === "main" ? 1 : PARAMS_MAX, problems);
  const params: ParamTree[] = [];
  for (const item of list?.items ?? []) {
    const param = item.kind === "map" ? parseDefaulted(item, problems) : parsePlain(item, problems);
    if (param === undefined) continue;
    if (params.some(({ name }) => name === param.name)) {
      problems.error(param.span, "duplicate-param", `the parameter ${param.name} stands twice`, "remove one");
    }
    const before = params.at(-1);
    if (param.default === undefined && before?.default !== undefined) {
      problems.error(
        param.span,
        "param-order",
        `${param.name} has no default but follows ${before.name}, which has one`,
        "put parameters with defaults last",
      );
    }
    params.push(param);
  }
  return params;
}

function parsePlain(node: SourceNode, problems: ProblemList): ParamTree | undefined {
  const name = node.kind === "scalar" && typeof node.value === "string" ? node.value : undefined;
  if (name === undefined) {
    problems.error(
      node.span,
      "wrong-shape",
      "a parameter must be a name, or a name with a default",
      "write - name or - name: default",
    );
    return undefined;
  }
  return isVariableName(name, node.span, "the parameter", problems) ? { name, span: node.span } : undefined;
}

function parseDefaulted(node: SourceNode, problems: ProblemList): ParamTree | undefined {
  const entry = expectSingle(node, "a parameter with a default", problems);
  if (entry === undefined || !isVariableName(entry.key, entry.keySpan, "the parameter", problems))
    return undefined;
  if (!isNameLength(entry.key, entry.keySpan, "the parameter", problems)) return undefined;
  const value = parseValue(entry.value, problems);
  if (value.kind !== "literal") {
    problems.error(
      entry.value.span,
      "param-default",
      `the default of ${entry.key} is no literal`,
      "compute it in an assign step with default()",
    );
    return { name: entry.key, span: entry.keySpan, default: null };
  }
  return { name: entry.key, span: entry.keySpan, default: value.value };
}
