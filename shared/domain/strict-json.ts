// JSON from strangers (RFC 8259), read so that no two readers can disagree: what JSON.parse lets through is refused here.
import { invalidArgument } from "./errors.ts";

/** Arrays and objects inside each other. */
export const JSON_DEPTH_MAX = 64;

/** Keys that reach an object's prototype when a careless copy assigns them. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor"]);

/** Whether a quote belongs to its string: an odd number of backslashes stands before it. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text[first - 1] === "\\") first -= 1;
  return (quote - first) % 2 === 1;
}

/** Offset after the string that starts at `offset`; the text is known to be valid. */
function stringEnd(text: string, offset: number): number {
  let end = text.indexOf('"', offset + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

/** Where a character stands, for people: line and column from 1. */
function place(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}

function refuse(text: string, offset: number, what: string, reason: string): never {
  throw invalidArgument("", `The JSON is refused at ${place(text, offset)}: ${what}`, reason);
}

/** What is open while the scan walks: the keys seen in an object, or nothing for an array. */
type Open = Set<string> | undefined;

/** Takes the key that starts at `offset` into its object, or refuses it. */
function takeKey(text: string, offset: number, literal: string, keys: Set<string>): void {
  const key = literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
  if (FORBIDDEN_KEYS.has(key))
    refuse(text, offset, `the key ${JSON.stringify(key)} is not allowed: rename it.`, "KEY_FORBIDDEN");
  if (keys.has(key))
    refuse(
      text,
      offset,
      `the key ${JSON.stringify(key).slice(0, 100)} is there twice: keep one.`,
      "KEY_TWICE",
    );
  keys.add(key);
}

/** Walks over text that JSON.parse has accepted, so that only depth and keys are left to look at. */
function scan(text: string): void {
  const open: Open[] = [];
  let keyNext = false;
  for (let offset = 0; offset < text.length; offset++) {
    const character = text[offset];
    if (character === '"') {
      const end = stringEnd(text, offset);
      const keys = open.at(-1);
      if (keyNext && keys !== undefined) takeKey(text, offset, text.slice(offset, end), keys);
      keyNext = false;
      offset = end - 1;
    } else if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : undefined);
      keyNext = character === "{";
      if (open.length > JSON_DEPTH_MAX) {
        refuse(text, offset, `it nests deeper than ${JSON_DEPTH_MAX} levels: flatten it.`, "TOO_DEEP");
      }
    } else if (character === "}" || character === "]") {
      open.pop();
      keyNext = false;
    } else if (character === ",") keyNext = open.at(-1) !== undefined;
  }
}

/** Says where the syntax breaks if V8 says so; its own message is left out because it quotes the text. */
function syntax(text: string, error: unknown): never {
  const at = /at position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
  if (at !== undefined) refuse(text, Number(at), "it is not valid JSON there: correct it.", "NOT_JSON");
  if (text.trim() === "") throw invalidArgument("", "The body is empty: send one JSON document.", "NOT_JSON");
  throw invalidArgument(
    "",
    "The body is not valid JSON: check it with a JSON reader and correct it.",
    "NOT_JSON",
  );
}

/**
 * The value of one JSON text in UTF-8. Refuses with INVALID_ARGUMENT and the position: bad UTF-8 (NOT_UTF8), bad syntax (NOT_JSON),
 * doubled keys (KEY_TWICE), `__proto__` and `constructor` keys (KEY_FORBIDDEN), nesting beyond JSON_DEPTH_MAX (TOO_DEEP).
 * The caller bounds the length.
 */
export function parseStrictJson(source: Uint8Array | string): unknown {
  const text = typeof source === "string" ? source : decode(source);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return syntax(text, error);
  }
  scan(text);
  return value;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw invalidArgument(
      "",
      `The body is not UTF-8 (${error instanceof Error ? error.message : "unreadable"}): encode it so.`,
      "NOT_UTF8",
    );
  }
}
