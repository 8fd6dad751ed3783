// Values as JSON without loss, for machines at rest: integers and doubles stay apart, bytes and key order survive.
import { isBytes, isList, type Value } from "./value.ts";

/** A value as JSON: scalars stand for themselves, the rest is tagged. */
export type EncodedValue =
  | null
  | boolean
  | string
  | number
  | { readonly i: string }
  | { readonly d: string }
  | { readonly b: string }
  | { readonly l: readonly EncodedValue[] }
  | { readonly m: readonly (readonly [string, EncodedValue])[] };

/** Encodes a value; finite doubles are plain numbers. */
export function encodeValue(value: Value): EncodedValue {
  if (typeof value === "bigint") return { i: String(value) };
  if (typeof value === "number") {
    if (Object.is(value, -0)) return { d: "-0" };
    return Number.isFinite(value) ? value : { d: String(value) };
  }
  if (value === null || typeof value !== "object") return value;
  if (isBytes(value)) return { b: Buffer.from(value).toString("base64") };
  if (isList(value)) return { l: value.map(encodeValue) };
  return { m: [...value].map(([key, item]) => [key, encodeValue(item)] as const) };
}

/** The value that `encodeValue` encoded. */
export function decodeValue(encoded: EncodedValue): Value {
  if (encoded === null || typeof encoded !== "object") return encoded;
  if ("i" in encoded) return BigInt(encoded.i);
  if ("d" in encoded) return Number(encoded.d);
  if ("b" in encoded) return new Uint8Array(Buffer.from(encoded.b, "base64"));
  if ("l" in encoded) return encoded.l.map(decodeValue);
  return new Map(encoded.m.map(([key, item]) => [key, decodeValue(item)]));
}
