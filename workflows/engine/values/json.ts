// JSON read without loss: 1 is an integer, 1.0 and 1e3 are doubles, keys keep their order, nothing touches prototypes.
import { CHOICES } from "../choices.ts";
import { JSON_DEPTH_MAX } from "../limits.ts";
import { isBytes, isList, isMap, type Value } from "./value.ts";
import { runtimeError, WorkflowError } from "./workflow-error.ts";

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** Characters of the longest integer of 64 bits; longer ones need no exact reading to be seen as too large. */
const INT64_CHARACTERS_MAX = 20;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;

/** Whether an integer fits 64 bits with sign. */
export function fitsInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX;
}

/**
 * Decodes JSON text. Integers beyond 64 bits become doubles.
 * @throws {WorkflowError} ValueError for text that is not JSON or nests deeper than JSON_DEPTH_MAX.
 */
export function decodeJson(text: string): Value {
  const reader = { text, at: 0 };
  const value = readValue(reader, 0);
  skip(reader, SPACE);
  if (reader.at !== text.length) throw invalid(reader, "unexpected text after the value");
  return value;
}

interface Reader {
  readonly text: string;
  at: number;
}

function invalid(reader: Reader, what: string): Error {
  return runtimeError("ValueError", `invalid JSON at character ${reader.at}: ${what}`);
}

function skip(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text);
  if (found === null) return undefined;
  reader.at = pattern.lastIndex;
  return found[0];
}

function readValue(reader: Reader, depth: number): Value {
  if (depth > JSON_DEPTH_MAX) throw invalid(reader, `more than ${JSON_DEPTH_MAX} levels of nesting`);
  skip(reader, SPACE);
  const { text, at } = reader;
  switch (text[at]) {
    case "{":
      return readMap(reader, depth);
    case "[":
      return readList(reader, depth);
    case '"':
      return readString(reader);
    default:
      for (const [word, value] of [
        ["null", null],
        ["true", true],
        ["false", false],
      ] as const) {
        if (text.startsWith(word, at)) {
          reader.at += word.length;
          return value;
        }
      }
      return readNumber(reader);
  }
}

function readString(reader: Reader): string {
  // The native reader unescapes; the pattern is walked in pieces, so that long strings need no deep regular expression.
  const start = reader.at;
  let end = start + 1;
  for (; end < reader.text.length; end++) {
    const unit = reader.text.charCodeAt(end);
    if (unit === 0x22) break;
    if (unit === 0x5c) end++;
    else if (unit < 0x20) throw invalid(reader, "control character in a string");
  }
  if (end >= reader.text.length) throw invalid(reader, "a string has no end");
  const literal = reader.text.slice(start, end + 1);
  try {
    const value: unknown = JSON.parse(literal);
    reader.at = end + 1;
    return value as string;
  } catch {
    throw invalid(reader, "a string has an unknown escape");
  }
}

function readNumber(reader: Reader): Value {
  NUMBER.lastIndex = reader.at;
  const found = NUMBER.exec(reader.text);
  if (found === null) throw invalid(reader, "expected a value");
  reader.at = NUMBER.lastIndex;
  if (found[1] === undefined && found[2] === undefined && found[0].length <= INT64_CHARACTERS_MAX) {
    const integer = BigInt(found[0]);
    if (fitsInt64(integer)) return integer;
  }
  return Number(found[0]);
}

function readList(reader: Reader, depth: number): Value {
  const items: Value[] = [];
  reader.at++;
  skip(reader, SPACE);
  if (take(reader, "]")) return items;
  for (;;) {
    items.push(readValue(reader, depth + 1));
    skip(reader, SPACE);
    if (take(reader, "]")) return items;
    if (!take(reader, ",")) throw invalid(reader, "expected , or ] in a list");
  }
}

function readMap(reader: Reader, depth: number): Value {
  const map = new Map<string, Value>();
  reader.at++;
  skip(reader, SPACE);
  if (take(reader, "}")) return map;
  for (;;) {
    skip(reader, SPACE);
    if (reader.text[reader.at] !== '"') throw invalid(reader, "expected a key in double quotes");
    const key = readString(reader);
    skip(reader, SPACE);
    if (!take(reader, ":")) throw invalid(reader, "expected : after a key");
    map.set(key, readValue(reader, depth + 1));
    skip(reader, SPACE);
    if (take(reader, "}")) return map;
    if (!take(reader, ",")) throw invalid(reader, "expected , or } in a map");
  }
}

function take(reader: Reader, character: string): boolean {
  if (reader.text[reader.at] !== character) return false;
  reader.at++;
  return true;
}

/** How lines of JSON are laid out: nothing before and between unless given. */
export interface JsonLayout {
  prefix: string;
  indent: string;
}

/**
 * Encodes a value as JSON; an integral double has no `.0`.
 * @throws {WorkflowError} ValueError for NaN, infinities and bytes.
 */
export function encodeJson(value: Value, layout?: JsonLayout): string {
  return encode(value, layout, layout === undefined ? "" : `\n${layout.prefix}`);
}

/** JSON text laid out for people, every digit kept; text that nests deeper than workflows decode stays as it is. */
export function prettyJson(text: string): string {
  try {
    return encodeJson(decodeJson(text), { prefix: "", indent: "  " });
  } catch (error) {
    if (error instanceof WorkflowError) return text;
    throw error;
  }
}

function encode(value: Value, layout: JsonLayout | undefined, line: string): string {
  if (typeof value === "string") return encodeString(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw runtimeError("ValueError", `JSON has no ${value}`);
    return String(value);
  }
  if (value === null || typeof value !== "object") return String(value);
  // Choice: bytesInJson.
  if (isBytes(value))
    throw runtimeError("ValueError", "bytes cannot be encoded as JSON; use base64.encode or text.decode");
  const inner = layout === undefined ? "" : line + layout.indent;
  const colon = layout === undefined ? ":" : ": ";
  if (isList(value)) {
    return value.length === 0
      ? "[]"
      : `[${value.map((item) => inner + encode(item, layout, inner)).join(",")}${line}]`;
  }
  const entries =
    CHOICES.keyOrder === "sorted" ? [...value].toSorted(([a], [b]) => (a < b ? -1 : 1)) : [...value];
  const members = entries.map(
    ([key, item]) => `${inner}${encodeString(key)}${colon}${encode(item, layout, inner)}`,
  );
  return members.length === 0 ? "{}" : `{${members.join(",")}${line}}`;
}

function encodeString(text: string): string {
  const json = JSON.stringify(text.isWellFormed() ? text : text.toWellFormed());
  if (!CHOICES.jsonHtmlEscapes) return json;
  return json.replaceAll(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

/** A value from plain JavaScript data: integral numbers become integers, undefined members are left out. */
export function fromPlain(plain: unknown): Value {
  if (plain === null || plain === undefined) return null;
  if (typeof plain === "number") return Number.isSafeInteger(plain) ? BigInt(plain) : plain;
  if (typeof plain === "boolean" || typeof plain === "string" || typeof plain === "bigint") return plain;
  if (Array.isArray(plain)) return plain.map(fromPlain);
  if (plain instanceof Uint8Array) return plain;
  if (plain instanceof Map) return new Map([...plain].map(([key, item]) => [String(key), fromPlain(item)]));
  if (typeof plain !== "object") throw new TypeError(`a ${typeof plain} is no value of the language`);
  const entries = Object.entries(plain).filter(([, item]) => item !== undefined);
  return new Map(entries.map(([key, item]) => [key, fromPlain(item)]));
}

/** Plain JavaScript data from a value: integers become numbers where that is exact, bigint elsewhere; maps become objects. */
export function toPlain(value: Value): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (isList(value)) return value.map(toPlain);
  if (isMap(value)) return Object.fromEntries([...value].map(([key, item]) => [key, toPlain(item)]));
  return value;
}
