// The values of the language. They are immutable: an assignment makes new ones, so copies are free.

/** A map of the language: string keys in the order of insertion. */
export type ValueMap = ReadonlyMap<string, Value>;

/** Integers are bigint (64 bits), doubles number, bytes Uint8Array. */
export type Value = null | boolean | bigint | number | string | Uint8Array | readonly Value[] | ValueMap;

/** The type names that `get_type` answers. */
export type TypeName = "null" | "boolean" | "integer" | "double" | "string" | "bytes" | "list" | "map";

export function isMap(value: Value | undefined): value is ValueMap {
  return value instanceof Map;
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

export function isBytes(value: Value | undefined): value is Uint8Array {
  return value instanceof Uint8Array;
}

/** The name that `get_type` gives to a value. */
export function typeName(value: Value): TypeName {
  switch (typeof value) {
    case "boolean":
      return "boolean";
    case "bigint":
      return "integer";
    case "number":
      return "double";
    case "string":
      return "string";
    default:
      if (value === null) return "null";
      if (isList(value)) return "list";
      return isBytes(value) ? "bytes" : "map";
  }
}

const MESSAGE_WORDS: Record<TypeName, string> = {
  null: "null",
  boolean: "bool",
  integer: "int",
  double: "float",
  string: "str",
  bytes: "bytes",
  list: "list",
  map: "dict",
};

/** The Python-like word that production's messages use for the type of a value. */
export function typeWord(value: Value): string {
  return MESSAGE_WORDS[typeName(value)];
}

/** A map from plain entries, for library code. */
export function mapOf(entries: Record<string, Value>): ValueMap {
  return new Map(Object.entries(entries));
}

/** Equality of the language: numbers by value across int and double, lists and maps deeply. */
export function valuesEqual(left: Value, right: Value): boolean {
  if (left === right) return true;
  // JavaScript compares bigint and number by exact mathematical value with ==.
  if (typeof left === "bigint" && typeof right === "number")
    return Number(left) === right && left === toBigInt(right);
  if (typeof left === "number" && typeof right === "bigint") return valuesEqual(right, left);
  if (isList(left)) {
    return (
      isList(right) &&
      left.length === right.length &&
      left.every((item, i) => valuesEqual(item, right[i] as Value))
    );
  }
  if (isBytes(left))
    return isBytes(right) && left.length === right.length && left.every((byte, i) => byte === right[i]);
  if (isMap(left)) {
    if (!isMap(right) || left.size !== right.size) return false;
    for (const [key, value] of left) {
      const other = right.get(key);
      if (other === undefined || !valuesEqual(value, other)) return false;
    }
    return true;
  }
  return false;
}

function toBigInt(value: number): bigint | undefined {
  return Number.isInteger(value) ? BigInt(value) : undefined;
}

const SCALAR_BYTES = 8;
const sizes = new WeakMap<object, number>();

/** Bytes that a value counts against the memory limit: 8 for a scalar; 8 plus the elements for the others. */
export function sizeInBytes(value: Value | undefined): number {
  if (value === undefined) return 0;
  if (typeof value === "string") return SCALAR_BYTES + Buffer.byteLength(value);
  if (typeof value !== "object" || value === null) return SCALAR_BYTES;
  const known = sizes.get(value);
  if (known !== undefined) return known;
  let size = SCALAR_BYTES;
  if (isBytes(value)) size += value.length;
  else if (isList(value)) for (const item of value) size += sizeInBytes(item);
  else for (const [key, item] of value) size += SCALAR_BYTES + Buffer.byteLength(key) + sizeInBytes(item);
  sizes.set(value, size);
  return size;
}

/** Notes the size of a value that was made from another by a known change, so that growing a list is not quadratic. */
export function noteDerivedSize(made: object, from: Value, change: number): void {
  sizes.set(made, sizeInBytes(from) + change);
}
