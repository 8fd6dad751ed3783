// Expressions with names into resolved code. Calls that the machine must carry out (subworkflows, the clock, ids) are hoisted
// into instructions of their own before the expression, with everything evaluated before them held in hidden slots, so that
// the order of evaluation stays left to right and the machine never stops in the middle of an expression.
import { CHOICES } from "../choices.ts";
import { dottedName, positionOf, type Expression, type Place, type Span } from "../expressions/expression.ts";
import { findFunction, functionNames, isLibraryName } from "../library/library.ts";
import type { LibraryFunction } from "../library/library-function.ts";
import { suggest } from "../parse/fields.ts";
import type { NameTree, RoutineTree } from "../parse/tree.ts";
import {
  emit,
  hiddenSlot,
  isVisible,
  newLabel,
  place as placeLabel,
  visibleNames,
  type Emitter,
} from "./emitter.ts";
import type { Code, Slot } from "./program.ts";
import { resolve } from "./scopes.ts";

const NOTHING: Code = { kind: "literal", value: null };

/** The expression as code for the current position; may emit instructions first. */
export function lower(emitter: Emitter, expression: Expression, at?: Place): Code {
  switch (expression.kind) {
    case "literal":
      return expression;
    case "embedded":
      return lower(emitter, expression.expression, expression.place);
    case "variable":
      return lowerVariable(
        emitter,
        expression.name,
        at === undefined ? undefined : positionOf(at, expression.at, expression.name.length),
      );
    case "list":
      return { kind: "list", items: lowerAll(emitter, expression.items, at) };
    case "map": {
      const values = lowerAll(
        emitter,
        expression.entries.map(([, value]) => value),
        at,
      );
      return { kind: "map", entries: expression.entries.map(([key], index) => [key, values[index] as Code]) };
    }
    case "member":
      return lowerMember(emitter, expression, at);
    case "index": {
      const [object, index] = lowerAll(emitter, [expression.object, expression.index], at) as [Code, Code];
      return { kind: "index", object, index };
    }
    case "unary":
      return {
        kind: "unary",
        operator: expression.operator,
        operand: lower(emitter, expression.operand, at),
      };
    case "binary": {
      const [left, right] = lowerAll(emitter, [expression.left, expression.right], at) as [Code, Code];
      return { kind: "binary", operator: expression.operator, left, right };
    }
    case "logical":
      return lowerLogical(emitter, expression, at);
    case "call":
      return lowerCall(emitter, expression, at);
  }
}

/** Lowers expressions that are evaluated in order: what precedes a hoisted call is held first. */
export function lowerAll(
  emitter: Emitter,
  expressions: readonly Expression[],
  at: Place | undefined,
): Code[] {
  const lastHoisted = expressions.findLastIndex(needsMachine);
  return expressions.map((expression, index) => {
    const code = lower(emitter, expression, at);
    return index < lastHoisted && code.kind !== "literal" ? hold(emitter, code) : code;
  });
}

function hold(emitter: Emitter, value: Code): Code {
  const slot = hiddenSlot(emitter);
  emit(emitter, { op: "hold", slot, value });
  return { kind: "slot", hops: 0, slot, name: "" };
}

/** Whether an expression calls something that the machine carries out. */
function needsMachine(expression: Expression): boolean {
  switch (expression.kind) {
    case "literal":
    case "variable":
      return false;
    case "embedded":
      return needsMachine(expression.expression);
    case "list":
      return expression.items.some(needsMachine);
    case "map":
      return expression.entries.some(([, value]) => needsMachine(value));
    case "member":
      return needsMachine(expression.object);
    case "index":
      return needsMachine(expression.object) || needsMachine(expression.index);
    case "unary":
      return needsMachine(expression.operand);
    case "binary":
    case "logical":
      return needsMachine(expression.left) || needsMachine(expression.right);
    case "call":
      return findFunction(expression.callee)?.kind !== "pure" || expression.args.some(needsMachine);
  }
}

function lowerVariable(emitter: Emitter, name: string, span: Span | undefined): Code {
  const found = resolve(emitter.scope, name);
  if (found !== undefined) return { kind: "slot", ...found.slot };
  reportUnknown(emitter, name, span);
  return NOTHING;
}

/** Reports a name that means nothing here, in the words of the real compiler. */
export function reportUnknown(emitter: Emitter, name: string, span: Span | undefined): void {
  const step = emitter.steps[emitter.step];
  const where = span ?? step?.span ?? { line: 1, column: 1, offset: 0, length: 0 };
  if (emitter.routines.has(name)) {
    emitter.problems.error(
      where,
      "routine-as-value",
      `the subworkflow ${JSON.stringify(name)} is used as a value`,
      "call it with (), or name it as the predicate of a retry",
    );
    return;
  }
  const hint = suggest(
    name,
    [...visibleNames(emitter.scope), ...emitter.routines.keys()].filter((known) => known !== ""),
  );
  emitter.problems.error(
    where,
    "unknown-variable",
    `symbol ${JSON.stringify(name)} is neither a variable nor a sub-workflow name`,
    hint,
  );
}

function lowerMember(
  emitter: Emitter,
  expression: Expression & { kind: "member" },
  at: Place | undefined,
): Code {
  const name = dottedName(expression);
  if (
    name !== undefined &&
    isLibraryName(name) &&
    !isVisible(emitter.scope, name.split(".", 1)[0] as string)
  ) {
    const span = at === undefined ? undefined : positionOf(at, expression.at, 1);
    const step = emitter.steps[emitter.step];
    emitter.problems.error(
      span ?? (step?.span as Span),
      "function-as-value",
      `${name} is a function or policy, not a value`,
      "call it with (), or use it in retry",
    );
    return NOTHING;
  }
  return { kind: "member", object: lower(emitter, expression.object, at), key: expression.key };
}

function lowerLogical(
  emitter: Emitter,
  expression: Expression & { kind: "logical" },
  at: Place | undefined,
): Code {
  const { operator } = expression;
  if (!needsMachine(expression.right) || !CHOICES.shortCircuit) {
    const [left, right] = lowerAll(emitter, [expression.left, expression.right], at) as [Code, Code];
    return { kind: "logical", operator, left, right };
  }
  // left; skip the right side when it decides: result = left; if it does not decide, result = left op right.
  const left = hold(emitter, lower(emitter, expression.left, at));
  const slot = hiddenSlot(emitter);
  const result: Code = { kind: "slot", hops: 0, slot, name: "" };
  const end = newLabel();
  emit(emitter, { op: "hold", slot, value: left });
  const proceed: Code = operator === "and" ? left : { kind: "unary", operator: "not", operand: left };
  emit(emitter, { op: "unless", condition: proceed, to: end, use: operator, branch: -1 });
  const right = lower(emitter, expression.right, at);
  emit(emitter, { op: "hold", slot, value: { kind: "logical", operator, left, right } });
  placeLabel(emitter, end);
  return result;
}

function lowerCall(
  emitter: Emitter,
  { callee, args, at: offset }: Expression & { kind: "call" },
  at: Place | undefined,
): Code {
  const span =
    at === undefined ? (emitter.steps[emitter.step]?.span as Span) : positionOf(at, offset, callee.length);
  const values = lowerAll(emitter, args, at);
  const routine = emitter.routines.get(callee);
  if (routine !== undefined) {
    const named = routine.tree.params
      .slice(0, values.length)
      .map(({ name }, index) => [name, values[index] as Code] as const);
    if (values.length > routine.tree.params.length) {
      emitter.problems.error(
        span,
        "argument-count",
        `${callee} takes ${routine.tree.params.length} arguments, not ${values.length}`,
        "remove the surplus ones",
      );
    }
    const into = { hops: 0, slot: hiddenSlot(emitter), name: "" };
    emit(emitter, {
      op: "call",
      routine: routine.index,
      args: matchRoutine(emitter, routine.tree, named, span),
      into,
      hidden: true,
    });
    return { kind: "slot", ...into };
  }
  const fn = findFunction(callee);
  if (fn === undefined) {
    reportUnknownFunction(emitter, { name: callee, span });
    return NOTHING;
  }
  const helper =
    CHOICES.connectorHelperInExpression === "allow" &&
    fn.open &&
    /\.(accessString|addVersionString)$/.test(callee);
  if (fn.blocking && !helper) {
    emitter.problems.error(
      span,
      "blocking-call",
      `${callee} is a blocking call and cannot stand in an expression`,
      "use a call step with result",
    );
    return NOTHING;
  }
  if (values.length > fn.params.length) {
    emitter.problems.error(
      span,
      "argument-count",
      `${callee} takes at most ${fn.params.length} arguments, not ${values.length}`,
      `parameters: ${fn.params.map(({ name }) => name).join(", ")}`,
    );
    return NOTHING;
  }
  const named = fn.params
    .slice(0, values.length)
    .map(({ name }, index) => [{ name, span }, values[index] as Code] as const);
  return applyFunction(emitter, fn, named, span);
}

/** Reports a function or connector that does not exist. */
export function reportUnknownFunction(emitter: Emitter, { name, span }: NameTree): void {
  emitter.problems.error(
    span,
    "unknown-function",
    `${JSON.stringify(name)} is neither a function nor a sub-workflow name`,
    suggest(name, [...functionNames(), ...emitter.routines.keys()]),
  );
}

/** A call of a library function as code: pure ones inline, others hoisted into an effect with a hidden result. */
export function applyFunction(
  emitter: Emitter,
  fn: LibraryFunction,
  named: readonly (readonly [NameTree, Code])[],
  span: Span,
): Code {
  checkArguments(
    emitter,
    fn,
    named.map(([name]) => name),
    span,
  );
  if (fn.kind === "pure") {
    const args = fn.params.map(({ name }) => named.find(([given]) => given.name === name)?.[1]);
    return { kind: "apply", fn, args };
  }
  const into: Slot = { hops: 0, slot: hiddenSlot(emitter), name: "" };
  emit(emitter, {
    op: "effect",
    fn,
    args: named.map(([{ name }, code]) => [name, code]),
    into,
    hidden: true,
  });
  return { kind: "slot", ...into };
}

/** Checks the names of arguments against the parameters of a function. */
export function checkArguments(
  emitter: Emitter,
  fn: LibraryFunction,
  given: readonly NameTree[],
  span: Span,
): void {
  const known = fn.params.map(({ name }) => name);
  if (!fn.open) {
    for (const { name, span } of given) {
      if (!known.includes(name))
        emitter.problems.error(
          span,
          "unknown-argument",
          `${fn.name} has no parameter ${JSON.stringify(name)}`,
          suggest(name, known),
        );
    }
  }
  for (const { name, optional } of fn.params) {
    if (!optional && !given.some((argument) => argument.name === name)) {
      emitter.problems.error(
        span,
        "missing-argument",
        `${fn.name} needs the argument ${JSON.stringify(name)}`,
        "add it",
      );
    }
  }
}

/** The arguments of a subworkflow in the order of its parameters. */
export function matchRoutine(
  emitter: Emitter,
  tree: RoutineTree,
  named: readonly (readonly [string, Code])[],
  span: Span,
): (Code | undefined)[] {
  for (const [name] of named) {
    if (!tree.params.some((param) => param.name === name)) {
      emitter.problems.error(
        span,
        "unknown-argument",
        `${tree.name} has no parameter ${JSON.stringify(name)}`,
        suggest(
          name,
          tree.params.map((param) => param.name),
        ),
      );
    }
  }
  return tree.params.map((param) => {
    const code = named.find(([name]) => name === param.name)?.[1];
    if (code === undefined && param.default === undefined) {
      emitter.problems.error(
        span,
        "missing-argument",
        `${tree.name} needs the argument ${JSON.stringify(param.name)}`,
        "add it, or give the parameter a default",
      );
    }
    return code;
  });
}
