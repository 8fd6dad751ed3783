// What a function of the standard library is, and small readers for its arguments.
import { isBytes, isList, isMap, typeWord, type Value, type ValueMap } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";

/** What pure functions may know of the execution. */
export interface Host {
  /** Environment variables that `sys.get_env` reads. */
  readonly env: ReadonlyMap<string, string>;
}

/** A parameter; optional ones may be left out. */
export interface LibraryParam {
  readonly name: string;
  readonly optional: boolean;
}

/**
 * A function. `pure` ones compute at once; `effect` ones are carried out by the machine and its driver. A blocking function
 * may not stand in an expression.
 */
export interface LibraryFunction {
  readonly name: string;
  readonly params: readonly LibraryParam[];
  readonly kind: "pure" | "effect";
  readonly blocking: boolean;
  /** Accepts arguments beyond `params` (connectors). */
  readonly open: boolean;
  /** Arguments stand in the order of `params`; undefined for those left out. */
  readonly run: (args: readonly (Value | undefined)[], host: Host) => Value;
}

/** A table of functions by full name. */
export type LibraryTable = Readonly<Record<string, LibraryFunction>>;

/** Parses `"a b? c?"` into parameters. */
export function paramsOf(signature: string): LibraryParam[] {
  const words = signature.split(" ").filter((word) => word !== "");
  return words.map((word) => ({ name: word.replace("?", ""), optional: word.endsWith("?") }));
}

/** A pure function for a table. */
export function pure(name: string, signature: string, run: LibraryFunction["run"]): LibraryFunction {
  return { name, params: paramsOf(signature), kind: "pure", blocking: false, open: false, run };
}

/** A function that the machine carries out. */
export function effect(name: string, signature: string, blocking: boolean, open = false): LibraryFunction {
  const run = (): never => {
    throw runtimeError("SystemError", `${name} is carried out by the machine`);
  };
  return { name, params: paramsOf(signature), kind: "effect", blocking, open, run };
}

/** A table keyed by the functions' names. */
export function tableOf(functions: readonly LibraryFunction[]): LibraryTable {
  return Object.fromEntries(functions.map((fn) => [fn.name, fn]));
}

function wrong(value: Value, what: string, expected: string): Error {
  return runtimeError("TypeError", `${what} must be ${expected}; got: ${typeWord(value)}`);
}

/** The argument as text. @throws {WorkflowError} TypeError. */
export function asString(value: Value | undefined, what: string): string {
  if (typeof value === "string") return value;
  throw wrong(value ?? null, what, "a string");
}

/** The argument as bytes. @throws {WorkflowError} TypeError. */
export function asBytes(value: Value | undefined, what: string): Uint8Array {
  if (isBytes(value)) return value;
  throw wrong(value ?? null, what, "bytes");
}

/** The argument as a map. @throws {WorkflowError} TypeError. */
export function asMap(value: Value | undefined, what: string): ValueMap {
  if (isMap(value)) return value;
  throw wrong(value ?? null, what, "a dict");
}

/** The argument as a list. @throws {WorkflowError} TypeError. */
export function asList(value: Value | undefined, what: string): readonly Value[] {
  if (isList(value)) return value;
  throw wrong(value ?? null, what, "an array");
}

/** The argument as a boolean, `missing` when left out. @throws {WorkflowError} TypeError. */
export function asBoolean(value: Value | undefined, what: string, missing: boolean): boolean {
  if (value === undefined) return missing;
  if (typeof value === "boolean") return value;
  throw wrong(value, what, "a bool");
}

/** The argument as an integer or double. @throws {WorkflowError} TypeError. */
export function asNumeric(value: Value | undefined, what: string): bigint | number {
  if (typeof value === "bigint" || typeof value === "number") return value;
  throw wrong(value ?? null, what, "a number");
}

/** The argument as an integer. @throws {WorkflowError} TypeError. */
export function asInteger(value: Value | undefined, what: string): bigint {
  if (typeof value === "bigint") return value;
  throw wrong(value ?? null, what, "an int");
}
