// Expressions with names into resolved code. Calls that the machine must carry out (subworkflows, the clock, ids) are hoisted
// into instructions of their own before the expression, with everything evaluated before them held in hidden slots, so that
// the order of evaluation stays left to right and the machine never stops in the middle of an expression.
import { CHOICES } from "../choices.ts";
import { dottedName, type Expression, type Place, type Span } from "../expressions/expression.ts";
import { positionOf } from "../expressions/position.ts";
import { findFunction, isLibraryName } from "../library/library.ts";
import {
  applyFunction,
  matchRoutine,
  nameArguments,
  reportUnknown,
  reportUnknownFunction,
} from "./arguments.ts";
import { emit, hiddenSlot, isVisible, newLabel, place as placeLabel, type Emitter } from "./emitter.ts";
import type { Code } from "./program.ts";
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
      const codes = lowerAll(emitter, expression.entries.flat(), at);
      return {
        kind: "map",
        entries: expression.entries.map((_, index) => [
          codes[index * 2] as Code,
          codes[index * 2 + 1] as Code,
        ]),
      };
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
    default:
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
    case "embedded":
      return needsMachine(expression.expression);
    case "list":
      return expression.items.some(needsMachine);
    case "map":
      return expression.entries.flat().some(needsMachine);
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
    default:
      return false;
  }
}

function lowerVariable(emitter: Emitter, name: string, span: Span | undefined): Code {
  const found = resolve(emitter.scope, name);
  if (found !== undefined) return { kind: "slot", ...found.slot };
  reportUnknown(emitter, name, span);
  return NOTHING;
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
  const name = { name: callee, span };
  const values = lowerAll(emitter, args, at);
  const routine = emitter.routines.get(callee);
  if (routine !== undefined) {
    const into = { hops: 0, slot: hiddenSlot(emitter), name: "" };
    emit(emitter, {
      op: "call",
      routine: routine.index,
      args: matchRoutine(emitter, routine.tree, nameArguments(emitter, name, values), span),
      into,
      hidden: true,
    });
    return { kind: "slot", ...into };
  }
  const fn = findFunction(callee);
  if (fn === undefined) {
    reportUnknownFunction(emitter, name);
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
  return applyFunction(emitter, fn, nameArguments(emitter, name, values), span);
}
