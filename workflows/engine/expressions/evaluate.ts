// Evaluates resolved expressions. It is pure: variables come from a frame, nothing else is read or written.
import type { Code, Slot } from "../compile/program.ts";
import { CHOICES } from "../choices.ts";
import type { Host } from "../library/library-function.ts";
import { checkString } from "../values/limits.ts";
import { isList, isMap, noteDerivedSize, sizeInBytes, typeWord, type Value } from "../values/value.ts";
import { keyError, runtimeError, taggedError } from "../values/workflow-error.ts";
import { applyBinary, applyUnary, expectCondition } from "./operators.ts";

/** Where variables live: slots, and the frame around a parallel branch. */
export interface VariableFrame {
  vars: (Value | undefined)[];
  outer: VariableFrame | undefined;
}

/** The frame that a slot refers to. */
export function frameOf<F extends VariableFrame>(frame: F, hops: number): F {
  let at = frame;
  for (let hop = 0; hop < hops; hop++) at = at.outer as F;
  return at;
}

/** Reads a variable. @throws {WorkflowError} when no step has assigned it yet. */
export function readSlot(frame: VariableFrame, { hops, slot, name }: Slot): Value {
  const value = frameOf(frame, hops).vars[slot];
  if (value !== undefined) return value;
  throw taggedError(CHOICES.unassignedTags, `${CHOICES.unassignedTags[0]}: variable not assigned: ${name}`);
}

/** Evaluates an expression. @throws {WorkflowError} for everything that the language calls an error. */
export function evaluate(code: Code, frame: VariableFrame, host: Host): Value {
  switch (code.kind) {
    case "literal":
      return code.value;
    case "slot":
      return readSlot(frame, code);
    case "binary":
      return applyBinary(code.operator, evaluate(code.left, frame, host), evaluate(code.right, frame, host));
    case "member":
      return getMember(evaluate(code.object, frame, host), code.key);
    case "index":
      return getIndex(evaluate(code.object, frame, host), evaluate(code.index, frame, host));
    case "apply": {
      const args = code.args.map((arg) => (arg === undefined ? undefined : evaluate(arg, frame, host)));
      const value = code.fn.run(args, host);
      return typeof value === "string" ? checkString(value) : value;
    }
    case "unary":
      return applyUnary(code.operator, evaluate(code.operand, frame, host));
    case "logical": {
      const left = expectCondition(code.operator, evaluate(code.left, frame, host));
      if (CHOICES.shortCircuit && left === (code.operator === "or")) return left;
      const right = expectCondition(code.operator, evaluate(code.right, frame, host));
      return code.operator === "or" ? left || right : left && right;
    }
    case "list":
      return code.items.map((item) => evaluate(item, frame, host));
    default:
      return new Map(
        code.entries.map(([key, value]) => [asKey(evaluate(key, frame, host)), evaluate(value, frame, host)]),
      );
  }
}

/** A value as the key of a map. @throws {WorkflowError} TypeError unless it is a string. */
function asKey(value: Value): string {
  if (typeof value === "string") return value;
  throw runtimeError("TypeError", `a key must be a str; got: ${typeWord(value)}`);
}

/** `object.key` and `object["key"]`. @throws {WorkflowError} KeyError for a missing key, TypeError for what is no map. */
export function getMember(object: Value, key: string): Value {
  if (isMap(object)) {
    const value = object.get(key);
    if (value !== undefined) return value;
    throw keyError(key);
  }
  throw runtimeError(
    "TypeError",
    `cannot read key ${JSON.stringify(key)} of '${typeWord(object)}' (expecting dict)`,
  );
}

/** `object[index]`: a key of a map or a position of a list. */
export function getIndex(object: Value, index: Value): Value {
  if (isList(object)) return object[checkIndex(object, index)] as Value;
  if (isMap(object)) return getMember(object, asKey(index));
  if (typeof index === "string") return getMember(object, index);
  throw runtimeError("TypeError", `'${typeWord(object)}' cannot be indexed (expecting dict or array)`);
}

/** A position inside a list. @throws {WorkflowError} TypeError unless an integer, IndexError outside. */
export function checkIndex(list: readonly Value[], index: Value): number {
  if (typeof index !== "bigint")
    throw runtimeError("TypeError", `a list index must be an int; got: ${typeWord(index)}`);
  if (index >= 0n && index < BigInt(list.length)) return Number(index);
  throw taggedError(
    CHOICES.indexErrorTags,
    `${CHOICES.indexErrorTags[0]}: index out of range: ${index} (list has ${list.length})`,
  );
}

/** A copy of `container` with the value at the end of the path set; missing keys on the way become maps. */
export function setPath(container: Value | undefined, path: readonly Value[], value: Value): Value {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (isList(container)) {
    const index = checkIndex(container, step);
    const item = setPath(container[index], rest, value);
    const copy = container.with(index, item);
    noteDerivedSize(copy, container, sizeInBytes(item) - sizeInBytes(container[index]));
    return copy;
  }
  if (isMap(container) || container === undefined || container === null) {
    const key = asKey(step);
    const copy = new Map(container ?? []);
    const before = copy.get(key);
    const item = setPath(before, rest, value);
    copy.set(key, item);
    if (isMap(container) && before !== undefined) {
      noteDerivedSize(copy, container, sizeInBytes(item) - sizeInBytes(before));
    }
    return copy;
  }
  throw runtimeError("TypeError", `cannot assign into '${typeWord(container)}' (expecting dict or array)`);
}
