// Built-in functions without a module, and json, list, map and math.
import { CHOICES } from "../choices.ts";
import { add, compareNumbers } from "../expressions/operators.ts";
import { decodeJson, encodeJson, fitsInt64, type JsonLayout } from "../values/json.ts";
import {
  isBytes,
  isList,
  isMap,
  noteDerivedSize,
  sizeInBytes,
  typeName,
  typeWord,
  type Value,
  type ValueMap,
} from "../values/value.ts";
import { keyError, runtimeError } from "../values/workflow-error.ts";
import { asList, asMap, asNumeric, asString, pure, tableOf } from "./library-function.ts";

const INTEGER_TEXT = /^\s*[+-]?\d+\s*$/;
const DOUBLE_TEXT = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

/** The text of a value for `string()` and for concatenation. @throws {WorkflowError} TypeError for lists, maps, bytes and null. */
export function textOf(value: Value): string {
  return add("", value) as string;
}

function toInteger(value: Value): bigint {
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
  return textOf(value);
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

const builtins = [
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
];

function keysOf(map: ValueMap): string[] {
  const keys = [...map.keys()];
  return CHOICES.keyOrder === "sorted" ? keys.sort() : keys;
}

function layoutOf(indent: Value | undefined): JsonLayout | undefined {
  if (indent === undefined || indent === null || indent === false) return undefined;
  if (indent === true) return { prefix: "", indent: CHOICES.jsonIndent };
  const map = asMap(indent, "indent");
  return {
    prefix: asString(map.get("prefix") ?? "", "indent.prefix"),
    indent: asString(map.get("indent") ?? "", "indent.indent"),
  };
}

function decode(data: Value): Value {
  if (typeof data === "string") return decodeJson(data);
  if (!isBytes(data))
    throw runtimeError(
      "TypeError",
      `the argument of json.decode must be bytes or a string; got: ${typeWord(data)}`,
    );
  try {
    return decodeJson(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch (error) {
    if (error instanceof TypeError) throw runtimeError("ValueError", "the bytes are no UTF-8 text");
    throw error;
  }
}

const json = [
  pure("json.decode", "data", ([data]) => decode(data as Value)),
  pure("json.encode", "data indent?", ([data, indent]) =>
    new TextEncoder().encode(encodeJson(data as Value, layoutOf(indent))),
  ),
  pure("json.encode_to_string", "data indent?", ([data, indent]) =>
    encodeJson(data as Value, layoutOf(indent)),
  ),
];

function grown(before: readonly Value[], after: readonly Value[], value: Value): readonly Value[] {
  noteDerivedSize(after, before, sizeInBytes(value));
  return after;
}

const list = [
  pure("list.concat", "objs val", ([objs, value]) => {
    const before = asList(objs, "objs");
    return grown(before, [...before, value as Value], value as Value);
  }),
  pure("list.prepend", "objs val", ([objs, value]) => {
    const before = asList(objs, "objs");
    return grown(before, [value as Value, ...before], value as Value);
  }),
];

function getPath(map: Value, keys: Value): Value {
  const path = isList(keys) ? keys : [keys];
  let at = map;
  for (const key of path) {
    const name = asString(key, "the key of map.get");
    if (at === null) return null;
    if (!isMap(at)) {
      if (CHOICES.mapGetOnScalar === "null") return null;
      throw runtimeError("TypeError", `map.get needs a dict; got: ${typeWord(at)}`);
    }
    at = at.get(name) ?? null;
  }
  return at;
}

function merge(first: ValueMap, second: ValueMap, nested: boolean): ValueMap {
  const merged = new Map(first);
  for (const [key, value] of second) {
    const before = merged.get(key);
    merged.set(key, nested && isMap(before) && isMap(value) ? merge(before, value, true) : value);
  }
  return merged;
}

const map = [
  pure("map.get", "map keys", ([source, keys]) => getPath(source as Value, keys as Value)),
  pure("map.delete", "map key", ([source, key]) => {
    const copy = new Map(asMap(source, "map"));
    const name = asString(key, "key");
    if (!copy.delete(name) && CHOICES.mapDeleteMissing === "KeyError") throw keyError(name);
    return copy;
  }),
  pure("map.merge", "first second", ([first, second]) =>
    merge(asMap(first, "first"), asMap(second, "second"), false),
  ),
  pure("map.merge_nested", "first second", ([first, second]) =>
    merge(asMap(first, "first"), asMap(second, "second"), true),
  ),
];

function pick(a: Value | undefined, b: Value | undefined, sign: number): Value {
  const [left, right] = [asNumeric(a, "the first argument"), asNumeric(b, "the second argument")];
  return compareNumbers(left, right) * sign >= 0 ? left : right;
}

const math = [
  pure("math.abs", "x", ([x]) => {
    const value = asNumeric(x, "x");
    if (typeof value === "number") return Math.abs(value);
    const positive = value < 0n ? -value : value;
    if (!fitsInt64(positive)) throw runtimeError(CHOICES.overflowTag, "integer overflow in math.abs");
    return positive;
  }),
  pure("math.floor", "x", ([x]) => {
    const value = asNumeric(x, "x");
    return typeof value === "bigint" ? value : toInteger(Math.floor(value));
  }),
  pure("math.max", "x y", ([x, y]) => pick(x, y, 1)),
  pure("math.min", "x y", ([x, y]) => pick(x, y, -1)),
];

/** Built-in functions and the modules json, list, map and math. */
export const CORE_FUNCTIONS = tableOf([...builtins, ...json, ...list, ...map, ...math]);
