// JSON with positions (RFC 8259). Doubled keys are refused: HCL reads them as two blocks, JSON.parse keeps the last.
import { type SourceProblem, refusalAsProblem, SourceRefusal } from "./source-problem.ts";

/** Characters of one document. */
export const JSON_CHARACTERS_MAX = 1_000_000;
/** Arrays and objects inside each other. */
export const JSON_DEPTH_MAX = 64;

/** A JSON value with the place where it starts. */
export interface JsonNode {
  readonly line: number;
  readonly column: number;
  readonly value: string | number | boolean | null | readonly JsonNode[] | ReadonlyMap<string, JsonNode>;
}

interface Cursor {
  readonly file: string;
  readonly text: string;
  offset: number;
  line: number;
  lineStart: number;
}

const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

const position = (cursor: Cursor) => ({ line: cursor.line, column: cursor.offset - cursor.lineStart + 1 });

function refuse(cursor: Cursor, what: string, remedy = "Correct the JSON."): never {
  throw new SourceRefusal({ file: cursor.file, ...position(cursor), what, remedy });
}

function skipBlanks(cursor: Cursor): void {
  for (;;) {
    const character = cursor.text[cursor.offset];
    if (character !== " " && character !== "\t" && character !== "\r" && character !== "\n") return;
    cursor.offset += 1;
    if (character === "\n") {
      cursor.line += 1;
      cursor.lineStart = cursor.offset;
    }
  }
}

function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.offset;
  const found = pattern.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.offset += found.length;
  return found;
}

/** Items between brackets: `each` reads one; separators and the end are the same for arrays and objects. */
function items(cursor: Cursor, end: string, each: () => void): void {
  cursor.offset += 1;
  skipBlanks(cursor);
  if (cursor.text[cursor.offset] === end) {
    cursor.offset += 1;
    return;
  }
  for (;;) {
    each();
    skipBlanks(cursor);
    const separator = cursor.text[cursor.offset];
    if (separator !== "," && separator !== end) refuse(cursor, `Expected , or ${end}.`);
    cursor.offset += 1;
    if (separator === end) return;
    skipBlanks(cursor);
  }
}

function object(cursor: Cursor, depth: number): ReadonlyMap<string, JsonNode> {
  const entries = new Map<string, JsonNode>();
  items(cursor, "}", () => {
    const key = take(cursor, STRING);
    if (key === undefined) refuse(cursor, "Expected a quoted key.");
    const name = JSON.parse(key) as string;
    if (entries.has(name)) refuse(cursor, `The key ${key} is there twice.`, "Keep one, or use an array.");
    skipBlanks(cursor);
    if (cursor.text[cursor.offset] !== ":") refuse(cursor, "Expected : after the key.");
    cursor.offset += 1;
    entries.set(name, node(cursor, depth + 1));
  });
  return entries;
}

function node(cursor: Cursor, depth: number): JsonNode {
  if (depth > JSON_DEPTH_MAX)
    refuse(cursor, `The nesting is deeper than ${JSON_DEPTH_MAX} levels.`, "Flatten it.");
  skipBlanks(cursor);
  const start = position(cursor);
  const character = cursor.text[cursor.offset];
  if (character === "{") return { ...start, value: object(cursor, depth) };
  if (character === "[") {
    const list: JsonNode[] = [];
    items(cursor, "]", () => list.push(node(cursor, depth + 1)));
    return { ...start, value: list };
  }
  const string = take(cursor, STRING);
  if (string !== undefined) return { ...start, value: JSON.parse(string) as string };
  const number = take(cursor, NUMBER);
  if (number !== undefined) return { ...start, value: Number(number) };
  const word = take(cursor, /true|false|null/y);
  if (word === undefined) refuse(cursor, "Expected a JSON value.");
  return { ...start, value: WORDS[word] ?? null };
}

/** Reads one JSON document with positions, or says where it cannot be read. */
export function readJson(file: string, text: string): JsonNode | { readonly problem: SourceProblem } {
  return refusalAsProblem(() => {
    const cursor: Cursor = { file, text, offset: 0, line: 1, lineStart: 0 };
    if (text.length > JSON_CHARACTERS_MAX) {
      refuse(cursor, `The file is longer than ${JSON_CHARACTERS_MAX} characters.`, "Split it.");
    }
    const root = node(cursor, 0);
    skipBlanks(cursor);
    if (cursor.offset < text.length) refuse(cursor, "Something follows the end of the document.");
    return root;
  });
}
