// Built-in functions without a module: conversions, sizes, types and conditions.
import { CHOICES } from "../choices.ts";
import { add } from "../expressions/operators.ts";
import { fitsInt64 } from "../values/json.ts";
import { isList, isMap, typeName, typeWord, type Value, type ValueMap } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";
import { asMap, pure, tableOf } from "./library-function.ts";

const INTEGER_TEXT = /^\s*[+-]?\d+\s*$/;
const DOUBLE_TEXT = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

/** `int()`: doubles lose their fraction, text must be a whole number. @throws {WorkflowError} TypeError or ValueError. */
export function toInteger(value: Value): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") {
    const integer = Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined;
    if (integer !== undefined && fitsInt64(integer)) return integer;
    throw runtimeError("ValueError", `${value} does not fit an integer`);
  }
  if (typeof value !== "string") {
    throw runtimeError(
      "TypeError",
      `unsupported operand type for int(): '${typeWord(value)}' (expecting number or string)`,
    );
  }
  const integer = INTEGER_TEXT.test(value) ? BigInt(value.trim().replace(/^\+/, "")) : undefined;
  if (integer !== undefined && fitsInt64(integer)) return integer;
  throw runtimeError("ValueError", `cannot convert ${JSON.stringify(value)} to an integer`);
}

function toDouble(value: Value): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "string") {
    throw runtimeError(
      "TypeError",
      `unsupported operand type for double(): '${typeWord(value)}' (expecting number or string)`,
    );
  }
  if (DOUBLE_TEXT.test(value) && Number.isFinite(Number(value))) return Number(value);
  throw runtimeError("ValueError", `cannot convert ${JSON.stringify(value)} to a double`);
}

function toText(value: Value): string {
  if (value === null || typeof value === "object") {
    throw runtimeError(
      "TypeError",
      `unsupported operand type for string(): '${typeWord(value)}' (expecting number, string, or boolean)`,
    );
  }
  return add("", value) as string;
}

function lengthOf(value: Value): bigint {
  if (typeof value === "string") {
    let characters = 0n;
    for (const _ of value) characters++;
    return characters;
  }
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(value.size);
  throw runtimeError(
    "TypeError",
    `unsupported operand type for len(): '${typeWord(value)}' (expecting list, map, or string)`,
  );
}

function keysOf(map: ValueMap): string[] {
  const keys = [...map.keys()];
  return CHOICES.keyOrder === "sorted" ? keys.sort() : keys;
}

/** int, double, string, len, keys, default, if and get_type. */
export const BUILTIN_FUNCTIONS = tableOf([
  pure("int", "x", ([x]) => toInteger(x as Value)),
  pure("double", "x", ([x]) => toDouble(x as Value)),
  pure("string", "x", ([x]) => toText(x as Value)),
  pure("len", "value", ([value]) => lengthOf(value as Value)),
  pure("keys", "map", ([map]) => keysOf(asMap(map, "the argument of keys()"))),
  pure("default", "value default", ([value, fallback]) =>
    value === null ? (fallback as Value) : (value as Value),
  ),
  pure("if", "condition ifTrue ifFalse", ([condition, yes, no]) => {
    if (condition !== null && typeof condition !== "boolean") {
      throw runtimeError(
        "TypeError",
        `the condition of if() must be a bool; got: ${typeWord(condition as Value)}`,
      );
    }
    return (condition === true ? yes : no) as Value;
  }),
  pure("get_type", "value", ([value]) => typeName(value as Value)),
]);
